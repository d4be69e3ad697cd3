//! Addresses of Agents and Collectors in the companion's own options.

use spanwire::companion::settings::AgentAddress;

/// Reads a URL; the error says what is wrong with it. For `https://` the environment says whose certificates are trusted, as for the library.
pub fn read(url: &str) -> Result<AgentAddress, String> {
    let mut address = AgentAddress::from_url(url).map_err(|why| why.to_string())?;
    address.settle(&|name| std::env::var(name).ok());
    Ok(address)
}
