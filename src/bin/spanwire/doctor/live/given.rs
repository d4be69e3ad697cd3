//! Values of settings with the places where they were given.

use spanwire::companion::settings::Origin;

/// Prefix of a value that the environment overrides.
pub const PRESET: &str = "default:";
/// What the environment of a process is called.
pub const ENVIRONMENT: &str = "environment";

/// A value of a setting, and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The setting's name, without a prefix.
    pub name: String,
    /// The text.
    pub value: String,
    /// `CodeDefault`, `Env` or `Code`.
    pub origin: Origin,
    /// A file and line, an option, or what the values of this origin are called.
    pub place: String,
}

/// All values that are given outside of a configuration file. Of two of one name and origin the later one counts.
#[derive(Default)]
pub struct Values(pub Vec<Given>);

impl Values {
    /// Adds a value.
    pub fn give(&mut self, name: &str, value: &str, origin: Origin, place: &str) {
        self.0.push(Given { name: name.into(), value: value.into(), origin, place: place.into() });
    }

    /// Returns an environment variable.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.last(name, Origin::Env).map(|given| given.value.clone())
    }

    /// Returns all environment variables.
    pub fn variables(&self) -> Vec<(String, String)> {
        let in_env = self.0.iter().filter(|given| given.origin == Origin::Env);
        in_env.map(|given| (given.name.clone(), given.value.clone())).collect()
    }

    /// Returns the value of this name and origin that counts.
    pub fn last(&self, name: &str, origin: Origin) -> Option<&Given> {
        self.0.iter().rfind(|given| given.name == name && given.origin == origin)
    }

    /// Returns the names and values that count as the host's code, as the library takes them.
    pub fn code(&self) -> Vec<(String, String)> {
        let of = |given: &Given| match given.origin {
            Origin::Code => Some((given.name.clone(), given.value.clone())),
            Origin::CodeDefault => Some((format!("{PRESET}{}", given.name), given.value.clone())),
            _ => None,
        };
        self.0.iter().filter_map(of).collect()
    }

    /// Returns where the value of a setting was given, as in `from the environment`.
    pub fn place(&self, name: &str, origin: Origin) -> &str {
        match (self.last(name, origin), origin) {
            (Some(given), _) => &given.place,
            (None, Origin::Default) => "default",
            (None, Origin::File) => "configuration file",
            (None, Origin::CodeDefault) => "code, as a default",
            (None, Origin::Local) => "local stable configuration",
            (None, Origin::Fleet) => "stable configuration of the fleet",
            (None, Origin::Env) => ENVIRONMENT,
            (None, Origin::Code) => "code",
            (None, Origin::Remote) => "remote configuration",
        }
    }
}
