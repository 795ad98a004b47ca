//! Fixed-size fields: parses the `bytes` of a message into arrays, with an error that names the field. It never
//! allocates; whoever reads a message checks its sizes here before anything else.

/// A field has the wrong size or form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The field's length is not what the format asks for.
    #[error("{field} has {actual} bytes, not {expected}")]
    Length {
        /// The field's name.
        field: &'static str,
        /// Its length.
        actual: usize,
        /// The format's length.
        expected: usize,
    },
    /// A message field is absent.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The text is no hexadecimal number of this many bytes.
    #[error("{field} is not 0x and {digits} hexadecimal digits")]
    Hex {
        /// The field's name.
        field: &'static str,
        /// How many digits it should have.
        digits: usize,
    },
    /// The text is no decimal number in its range.
    #[error("{0} is not a decimal number in its range")]
    Decimal(&'static str),
    /// The bytes are no protobuf message of the expected type.
    #[error("{field} cannot be decoded: {reason}")]
    Decode {
        /// The field's name.
        field: &'static str,
        /// What prost said.
        reason: String,
    },
}

/// Reads a field of exactly `N` bytes.
pub fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| Error::Length { field, actual: bytes.len(), expected: N })
}

/// Reads a field that is absent (empty) or exactly `N` bytes.
pub fn optional<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<Option<[u8; N]>, Error> {
    if bytes.is_empty() { Ok(None) } else { array(field, bytes).map(Some) }
}

/// Unwraps a message field that must be present.
pub fn present<'a, T>(field: &'static str, value: &'a Option<T>) -> Result<&'a T, Error> {
    value.as_ref().ok_or(Error::Missing(field))
}

/// Reads "0x…" or bare hexadecimal digits of exactly `N` bytes.
pub fn from_hex<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], Error> {
    let mut out = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut out)
        .map_err(|_| Error::Hex { field, digits: 2 * N })?;
    Ok(out)
}

/// Writes "0x…" in lower case.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Decodes a protobuf message whose bytes may come from anybody.
pub fn decode<M: prost::Message + Default>(field: &'static str, bytes: &[u8]) -> Result<M, Error> {
    M::decode(bytes).map_err(|e| Error::Decode { field, reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_sizes_name_their_field() {
        assert_eq!(array::<2>("node", &[1]).unwrap_err().to_string(), "node has 1 bytes, not 2");
        assert_eq!(optional::<2>("node", &[]), Ok(None));
        assert!(optional::<2>("node", &[1]).is_err());
        assert_eq!(from_hex::<2>("node", "0xab01"), Ok([0xab, 1]));
        assert!(from_hex::<2>("node", "0xab0").is_err());
        assert_eq!(to_hex(&[0xab, 1]), "0xab01");
    }
}
