//! Checks MessagePack of the host: structured values (`meta_struct`), which are one map each, and values that are skipped.
//! A reader that cannot decode a structured value may refuse the whole payload, with the spans of others.

/// How deep maps and arrays may lie in each other.
const DEPTH_MAX: usize = 64;
/// The extension type of a time stamp, whose length is fixed.
const TIMESTAMP: u8 = 0xff;

/// What one head says.
pub(super) enum Head {
    /// A number, nil or boolean; it has no more bytes.
    Plain,
    Text(usize),
    Blob(usize),
    /// An extension: its type is one more byte.
    Extension(usize),
    Array(usize),
    Map(usize),
}

/// Whether the bytes are one MessagePack map and nothing else. All keys are texts, texts are UTF-8, and maps and arrays are
/// at most [`DEPTH_MAX`] deep.
pub fn is_map(bytes: &[u8]) -> bool {
    matches!(head(bytes), Some((Head::Map(_), _))) && skip(bytes).is_some_and(<[u8]>::is_empty)
}

/// Returns what follows the value at the front. `None` if that is no value with these properties.
#[inline(never)]
pub fn skip(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    // How many values are missing in each map and array around. The lowest bit is set for a map, in which keys count as
    // values. Small, since it is on the caller's stack. The first place is for the value itself.
    let mut missing = [0u32; DEPTH_MAX + 1];
    let mut depth = 0;
    let around = |count: usize, is_map: bool, rest: &[u8]| {
        // Each value has at least a byte.
        let values = count.checked_mul(1 + usize::from(is_map)).filter(|&values| values <= rest.len())?;
        u32::try_from(values << 1 | usize::from(is_map)).ok()
    };
    missing[0] = 1 << 1;
    loop {
        let place = missing.get_mut(depth)?;
        let (left, in_map) = (*place >> 1, *place & 1 != 0);
        if left == 0 {
            let Some(outer) = depth.checked_sub(1) else { return Some(rest) };
            depth = outer;
            continue;
        }
        *place -= 2;
        let is_key = in_map && left % 2 == 0;
        let (head, after) = head(rest)?;
        rest = after;
        let (length, is_good) = match head {
            Head::Text(length) => (length, rest.get(..length).is_some_and(|text| std::str::from_utf8(text).is_ok())),
            _ if is_key => return None,
            Head::Plain => (0, true),
            Head::Blob(length) => (length, true),
            Head::Extension(length) => {
                let is_time = rest.first() == Some(&TIMESTAMP);
                (length + 1, !is_time || matches!(length, 4 | 8 | 12))
            }
            Head::Array(count) | Head::Map(count) => {
                depth += 1;
                *missing.get_mut(depth)? = around(count, matches!(head, Head::Map(_)), rest)?;
                (0, true)
            }
        };
        match rest.get(length..) {
            Some(after) if is_good => rest = after,
            _ => return None,
        }
    }
}

/// Reads a head with the number that follows it, and for numbers their bytes.
pub(super) fn head(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let low = |mask: u8| usize::from(first & mask);
    let fixed = |head| Some((head, rest));
    let plain = |length: usize| rest.get(length..).map(|rest| (Head::Plain, rest));
    let sized = |size: usize, head: fn(usize) -> Head| {
        let (number, rest) = rest.split_at_checked(size)?;
        let number = number.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
        Some((head(number), rest))
    };
    match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => fixed(Head::Plain),
        0x80..=0x8f => fixed(Head::Map(low(15))),
        0x90..=0x9f => fixed(Head::Array(low(15))),
        0xa0..=0xbf => fixed(Head::Text(low(31))),
        0xc1 => None,
        0xc4..=0xc6 => sized(1 << (first - 0xc4), Head::Blob),
        0xc7..=0xc9 => sized(1 << (first - 0xc7), Head::Extension),
        0xca | 0xce | 0xd2 => plain(4),
        0xcb | 0xcf | 0xd3 => plain(8),
        0xcc | 0xd0 => plain(1),
        0xcd | 0xd1 => plain(2),
        0xd4..=0xd8 => fixed(Head::Extension(1 << (first - 0xd4))),
        0xd9..=0xdb => sized(1 << (first - 0xd9), Head::Text),
        0xdc | 0xdd => sized(2 << (first - 0xdc), Head::Array),
        0xde | 0xdf => sized(2 << (first - 0xde), Head::Map),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rmpv::Value;

    pub(in crate::span) fn encoded(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    fn map(value: Value) -> Vec<u8> {
        encoded(&Value::Map(vec![("key".into(), value), ("other".into(), Value::Nil)]))
    }

    fn every_value() -> Vec<Value> {
        let mut all = vec![Value::Nil, true.into(), Value::F32(0.5), Value::F64(0.5), Value::Ext(5, vec![0; 3])];
        for bits in [0, 7, 8, 15, 16, 31, 32, 63] {
            all.extend([Value::from(1u64 << bits), Value::from(-1i64 << bits)]);
        }
        for length in [0usize, 1, 2, 4, 8, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            all.push("x".repeat(length).into());
            all.push(vec![0u8; length].into());
            all.push(Value::Ext(7, vec![0; length]));
            all.push(Value::Array(vec![Value::Nil; length]));
            all.push(Value::Map((0..length).map(|n| (n.to_string().into(), Value::Array(vec![]))).collect()));
        }
        all
    }

    #[test]
    fn a_map_with_values_of_every_type_and_length_is_one() {
        for value in every_value() {
            let bytes = map(value);
            assert!(is_map(&bytes), "{:?}", &bytes[..20.min(bytes.len())]);
            assert!(!is_map(&[&bytes[..], b"\xc0"].concat()), "more follows");
        }
        assert!(is_map(b"\x80"));
    }

    #[test]
    fn what_is_cut_short_is_none() {
        for value in every_value().into_iter().filter(|value| encoded(value).len() < 1000) {
            let bytes = map(value);
            assert!((0..bytes.len()).all(|end| !is_map(&bytes[..end])), "{bytes:?}");
        }
    }

    #[test]
    fn what_a_reader_would_refuse_is_none() {
        for value in every_value().iter().filter(|value| !value.is_map()) {
            assert!(!is_map(&encoded(value)), "not a map");
        }
        for bytes in [
            &b"\x81\x01\x02"[..],     // an integer as key
            b"\x81\xc4\x01a\x02",     // a blob as key
            b"\x81\xa1a\x81\xc0\xc0", // nil as key, further inside
            b"\x81\xa1a\xc1",         // no MessagePack
            b"\x81\xa1a\xa1\xff",     // not UTF-8
            b"\x81\xa1a\xd4\xff\x00", // a time stamp of one byte
            b"\xdf\xff\xff\xff\xff",  // more pairs than bytes
            b"",
        ] {
            assert!(!is_map(bytes), "{bytes:?}");
        }
        let nested = |depth: usize| [&b"\x81\xa1a"[..], &b"\x91".repeat(depth), b"\xc0"].concat();
        assert!(is_map(&nested(DEPTH_MAX - 1)) && !is_map(&nested(DEPTH_MAX)));
        assert!(!is_map(&nested(1_000_000)));
    }
}
