//! One feature's values in one batch, borrowed from whoever decoded them.
//!
//! The shapes follow Arrow's memory (values beside a little-endian validity bitmap, dictionary codes beside
//! their names) without naming Arrow, so that a batch is profiled without a copy.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a feature's values are: numbers on a line, or names without an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Values are `f64`; distances read their order.
    Numeric,
    /// Values are names; distances read their shares only.
    Categorical,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Numeric => "numeric",
            Kind::Categorical => "categorical",
        })
    }
}

/// Why a batch was not counted. The profile is as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ColumnError {
    /// The profile was made for the other kind.
    #[error("the column is {found}, but this feature's profile is {expected}")]
    Kind {
        /// Kind of the profile.
        expected: Kind,
        /// Kind of the column.
        found: Kind,
    },
    /// The bitmap does not describe as many rows as there are values.
    #[error("the column has {values} values, but its validity describes {validity} rows")]
    Length {
        /// Number of values or codes.
        values: usize,
        /// Number of rows that the validity covers.
        validity: usize,
    },
    /// A bitmap shorter than `offset + len` bits.
    #[error("the validity bitmap has {have} bits, {need} are needed")]
    Bitmap {
        /// Bits in the bitmap.
        have: usize,
        /// Bits that offset and length ask for.
        need: usize,
    },
    /// A valid row's dictionary code that no category has.
    #[error("{rows} rows hold a dictionary code outside of the {categories} categories")]
    Code {
        /// Rows with such a code.
        rows: u64,
        /// Size of the dictionary.
        categories: usize,
    },
}

/// Which rows hold a value: an LSB-first bitmap as in Arrow, 1 = valid. Without a bitmap all rows are valid.
#[derive(Debug, Clone, Copy)]
pub struct Validity<'a> {
    bits: Option<&'a [u8]>,
    offset: usize,
    len: usize,
}

impl<'a> Validity<'a> {
    /// All `len` rows are valid.
    pub fn all(len: usize) -> Self {
        Validity {
            bits: None,
            offset: 0,
            len,
        }
    }

    /// Row `i` is valid when bit `offset + i` of `bits` is set.
    ///
    /// # Errors
    /// When the bitmap is too short for `offset + len` bits.
    pub fn bitmap(bits: &'a [u8], offset: usize, len: usize) -> Result<Self, ColumnError> {
        let (have, need) = (bits.len().saturating_mul(8), offset.saturating_add(len));
        if have < need {
            Err(ColumnError::Bitmap { have, need })
        } else {
            Ok(Validity {
                bits: Some(bits),
                offset,
                len,
            })
        }
    }

    /// Number of rows described.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row is described.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a row is not null; one beyond the last is null.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.word(row / 64) >> (row % 64) & 1 == 1
    }

    /// Whether no bitmap exists, so that every row is valid.
    pub fn is_all(&self) -> bool {
        self.bits.is_none()
    }

    /// The validity of rows `64·block ..`, row `64·block + i` at bit `i`; bits beyond the end are 0.
    #[inline]
    pub fn word(&self, block: usize) -> u64 {
        let first = block.saturating_mul(64);
        if first >= self.len {
            return 0;
        }
        let rows = (self.len - first).min(64);
        let mask = if rows == 64 {
            u64::MAX
        } else {
            (1u64 << rows) - 1
        };
        let Some(bits) = self.bits else { return mask };
        let bit = self.offset + first;
        let (byte, shift) = (bit / 8, bit % 8);
        let low = load(bits, byte) >> shift;
        let high = if shift == 0 {
            0
        } else {
            u64::from(bits.get(byte + 8).copied().unwrap_or(0)) << (64 - shift)
        };
        (low | high) & mask
    }
}

/// Eight bytes from `byte` on as a little-endian word, zeros beyond the end.
#[inline]
fn load(bits: &[u8], byte: usize) -> u64 {
    match bits.get(byte..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(whole) => u64::from_le_bytes(*whole),
        None => bits
            .iter()
            .skip(byte)
            .take(8)
            .rev()
            .fold(0, |word, &b| word << 8 | u64::from(b)),
    }
}

/// The names behind dictionary codes.
#[derive(Clone, Copy)]
pub struct Categories<'a> {
    /// Batches with the same generation have the same names; a new dictionary is a new generation.
    /// Generation numbers never return within one profile.
    pub generation: u64,
    /// Number of codes: valid codes are `0..len`.
    pub len: usize,
    /// Name of a code; `None` is a null inside the dictionary, which counts as a null row.
    pub name: &'a dyn Fn(usize) -> Option<&'a str>,
}

impl std::fmt::Debug for Categories<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Categories")
            .field("generation", &self.generation)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// One feature's rows of one batch.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Numbers; what stands at a null row is never read as a value.
    Numeric {
        /// One value per row.
        values: &'a [f64],
        /// Which rows are not null.
        validity: Validity<'a>,
    },
    /// Dictionary codes and their names.
    Categorical {
        /// One code per row; what stands at a null row is never read as a code.
        codes: &'a [i32],
        /// Which rows are not null.
        validity: Validity<'a>,
        /// The names.
        categories: Categories<'a>,
    },
}

impl Column<'_> {
    /// Kind of the values.
    pub fn kind(&self) -> Kind {
        match self {
            Column::Numeric { .. } => Kind::Numeric,
            Column::Categorical { .. } => Kind::Categorical,
        }
    }

    /// Which rows are not null.
    pub fn validity(&self) -> &Validity<'_> {
        match self {
            Column::Numeric { validity, .. } | Column::Categorical { validity, .. } => validity,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Numeric { values, .. } => values.len(),
            Column::Categorical { codes, .. } => codes.len(),
        }
    }

    /// Whether the batch holds no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_hold_the_bits_of_the_bitmap(bytes in prop::collection::vec(any::<u8>(), 0..40), offset in 0usize..30, cut in 0usize..64) {
            let len = (bytes.len() * 8).saturating_sub(offset + cut);
            prop_assume!(offset + len <= bytes.len() * 8);
            let validity = Validity::bitmap(&bytes, offset, len).unwrap();
            for row in 0..len + 70 {
                let expected = row < len && bytes[(offset + row) / 8] >> ((offset + row) % 8) & 1 == 1;
                prop_assert_eq!(validity.word(row / 64) >> (row % 64) & 1 == 1, expected);
            }
        }
    }

    #[test]
    fn a_short_bitmap_is_refused() {
        assert_eq!(
            Validity::bitmap(&[0; 2], 9, 8).unwrap_err(),
            ColumnError::Bitmap { have: 16, need: 17 }
        );
        assert_eq!(Validity::all(65).word(1), 1);
    }
}
