//! The run of blobs (`meta_struct`) of an open span.

use super::fields::OpenSpan;
use super::limits::{Refusal, BLOB_MAX, KEY_MAX, TAGS_MAX};
use crate::span::encode::{self, Sanitized};
use crate::span::run::{self, Item, Kind};

impl OpenSpan {
    /// Adds a blob of MessagePack (`meta_struct`). The last value of a key wins.
    pub fn add_blob(&mut self, key: &[u8], bytes: &[u8]) -> Result<Sanitized, Refusal> {
        self.has_more = true;
        let (key, sanitized) = encode::sanitize(key, KEY_MAX);
        let former = self.find_blob(&key);
        if bytes.len() > BLOB_MAX || (former.is_none() && self.blob_count as usize >= TAGS_MAX) {
            return Err(Refusal::Limit);
        }
        let key_size = encode::text_size(key.len());
        let size = key_size + encode::blob_size(bytes.len());
        // Makes room before anything changes, so that the former value stays if memory is short.
        self.blobs.reserve(size)?;
        if let Some((from, to)) = former {
            let end = self.blobs.len();
            self.blobs.bytes_mut().copy_within(to..end, from);
            self.blobs.truncate(end - (to - from));
            self.blob_count -= 1;
        }
        let (head, body) = self.blobs.tail(size)?.split_at_mut(key_size);
        encode::text(head, &key);
        encode::blob(body, bytes);
        self.blob_count += 1;
        Ok(sanitized)
    }

    /// Returns where the blob of this key begins and ends.
    fn find_blob(&self, key: &[u8]) -> Option<(usize, usize)> {
        let all = self.blobs.bytes();
        let mut run = all;
        while let Some((item, rest)) = run::read(Kind::Blob, run) {
            if matches!(item, Item::Blob(other, _) if other == key) {
                return Some((all.len() - run.len(), all.len() - rest.len()));
            }
            run = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_blob_of_a_key_wins() {
        let mut span = OpenSpan::default();
        for (key, value) in [(b"a", 1u8), (b"b", 2), (b"a", 3), (b"c", 4), (b"b", 5)] {
            span.add_blob(key, &vec![value; usize::from(value)]).unwrap();
        }
        let [_, _, blobs, ..] = span.runs();
        let mut seen = Vec::new();
        run::each(Kind::Blob, blobs.bytes, |item| {
            if let Item::Blob(key, value) = item {
                seen.push((key.to_vec(), value.to_vec()));
            }
        });
        assert_eq!(seen, [(b"a", 3u8), (b"c", 4), (b"b", 5)].map(|(key, n)| (key.to_vec(), vec![n; usize::from(n)])));
        assert_eq!(blobs.count, 3);
    }
}
