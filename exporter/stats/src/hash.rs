//! The 64-bit hashes behind distinct counts and category names. They are part of the saved baseline's format
//! (a baseline keeps hashes of the names it has seen), so they never change; a test holds their values.

/// Stafford's variant 13 of the 64-bit finaliser, as in SplitMix64 (Steele, Lea and Flood 2014).
#[inline(always)]
pub(crate) fn mix(bits: u64) -> u64 {
    let mut z = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of a number; −0 and 0 are one value.
#[inline(always)]
pub(crate) fn number(value: f64) -> u64 {
    mix((value + 0.0).to_bits())
}

/// Hash of a name's bytes.
pub(crate) fn name(name: &str) -> u64 {
    bytes(name.as_bytes())
}

/// Hash of bytes, eight at a time.
pub(crate) fn bytes(name: &[u8]) -> u64 {
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(mix(name.len() as u64), |hash, word| {
        mix(hash ^ u64::from_le_bytes(*word))
    });
    if rest.is_empty() {
        return hash;
    }
    mix(hash
        ^ rest
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(number(-0.0), number(0.0));
        assert_eq!(name(""), mix(0));
        assert_eq!(
            name("store-31401"),
            mix(mix(mix(11) ^ u64::from_le_bytes(*b"store-31")) ^ 0x0031_3034)
        );
        assert_ne!(name("a\0"), name("a"));
    }
}
