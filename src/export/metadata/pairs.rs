//! Text tags that are added to many spans, encoded once.

use crate::span::encode;
use crate::span::run::Keys;
use std::ops::Deref;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    list: Vec<(String, String)>,
    run: Vec<u8>,
    keys: Keys,
}

impl Pairs {
    /// The tags of this list.
    pub fn of(list: Vec<(String, String)>) -> Pairs {
        let (mut run, mut keys) = (Vec::new(), Keys::default());
        for (key, value) in &list {
            keys.add(key.as_bytes());
            for text in [key, value] {
                let from = run.len();
                run.resize(from + encode::text_size(text.len()), 0);
                encode::text(&mut run[from..], text.as_bytes());
            }
        }
        Pairs { list, run, keys }
    }

    /// All of them, encoded.
    #[inline]
    pub fn run(&self) -> &[u8] {
        &self.run
    }

    /// Their keys.
    #[inline]
    pub fn keys(&self) -> Keys {
        self.keys
    }
}

impl Deref for Pairs {
    type Target = [(String, String)];
    fn deref(&self) -> &[(String, String)] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::run::{self, Item, Kind};

    #[test]
    fn the_run_has_every_pair() {
        let list: Vec<_> = [0, 5, 31, 32, 300, 70_000].map(|n| (format!("key{n}"), "v".repeat(n))).into();
        let (pairs, mut seen) = (Pairs::of(list.clone()), Vec::<(String, String)>::new());
        run::each(Kind::Text, pairs.run(), |item| match item {
            Item::Text(key, value) => {
                seen.push([key, value].map(|text| String::from_utf8(text.to_vec()).unwrap()).into())
            }
            _ => unreachable!("texts only"),
        });
        assert_eq!(seen, list);
        assert!(list.iter().all(|(key, _)| pairs.keys().may_share(Keys::one(key.as_bytes()))));
    }
}
