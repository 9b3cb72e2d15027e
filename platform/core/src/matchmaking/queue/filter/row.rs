//! What a ticket says of itself, laid out so that comparing it costs next to nothing.

use super::PropertyValue;

/// What a ticket says of itself: a cell for each property that the queue declares, in their order. The empty row says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PropertyRow(Box<[Cell]>);

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Missing,
    Number(f64),
    Text(Text),
}

/// A text whose first bytes and length are in place: two that differ in these, or have no more than 15 bytes, are compared
/// without following a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// The first 15 bytes, then zeros; the last byte is the length of the whole, or 255 when longer.
    head: [u8; 16],
    /// The bytes after the fifteenth.
    rest: Box<[u8]>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let (start, rest) = text.as_bytes().split_at(text.len().min(15));
        let mut head = [0; 16];
        head[..start.len()].copy_from_slice(start);
        head[15] = u8::try_from(text.len()).unwrap_or(u8::MAX);
        Self { head, rest: rest.into() }
    }
}

impl PropertyRow {
    /// The number at `place`; not a number when it is missing.
    #[inline]
    pub(super) fn number(&self, place: u8) -> f64 {
        match self.0.get(usize::from(place)) {
            Some(Cell::Number(number)) => *number,
            _ => f64::NAN,
        }
    }

    /// The text at `place`; none when it is missing.
    #[inline]
    pub(super) fn text(&self, place: u8) -> Option<&Text> {
        match self.0.get(usize::from(place)) {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether there is anything at `place`.
    #[inline]
    pub(super) fn has(&self, place: u8) -> bool {
        !matches!(self.0.get(usize::from(place)), None | Some(Cell::Missing))
    }
}

impl<'a> FromIterator<Option<&'a PropertyValue>> for PropertyRow {
    fn from_iter<T: IntoIterator<Item = Option<&'a PropertyValue>>>(values: T) -> Self {
        let cell = |value: Option<&PropertyValue>| match value {
            None => Cell::Missing,
            Some(PropertyValue::Number(number)) => Cell::Number(*number),
            Some(PropertyValue::Text(text)) => Cell::Text(text.as_str().into()),
        };
        Self(values.into_iter().map(cell).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_equal_when_all_their_bytes_are() {
        let long = "x".repeat(300);
        let longer = "x".repeat(301);
        let texts = [
            "",
            "\0",
            "a",
            "a\0",
            "fifteen bytes !",
            "fifteen bytes ?",
            "sixteen bytes !!",
            "sixteen bytes !?",
            &long,
            &longer,
        ];
        for (left, right) in texts.iter().flat_map(|left| texts.iter().map(move |right| (*left, *right))) {
            assert_eq!(Text::from(left) == Text::from(right), left == right, "{left} {right}");
        }
    }

    #[test]
    fn a_row_is_small() {
        assert_eq!(size_of::<PropertyRow>(), 16);
        assert_eq!(size_of::<Cell>(), 40);
    }
}
