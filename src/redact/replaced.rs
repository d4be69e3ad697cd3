//! Counts what was replaced, by kind.

/// How many secrets were replaced in some texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Values after the name of a secret: `password=…`.
    pub named: u64,
    /// Texts with the form of a secret: tokens, private keys, card numbers.
    pub formed: u64,
    /// Userinfo, query strings and fragments of URLs, and passwords of logins without a scheme.
    pub in_urls: u64,
    /// Secrets that were replaced before: the texts had `<redacted>` already.
    pub before: u64,
}

impl Replaced {
    /// Adds other counts to these.
    pub fn add(&mut self, other: Replaced) {
        self.named += other.named;
        self.formed += other.formed;
        self.in_urls += other.in_urls;
        self.before += other.before;
    }
}
