//! Links the library that `tools/stage` has built, as a program in C would: SPANWIRE_STAGE, or target/stage.

fn main() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/stage");
    let stage = std::env::var("SPANWIRE_STAGE").unwrap_or_else(|_| own.to_string());
    println!("cargo::rerun-if-env-changed=SPANWIRE_STAGE");
    println!("cargo::rustc-link-search=native={stage}/lib");
    println!("cargo::rustc-link-lib=dylib=spanwire");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{stage}/lib");
}
