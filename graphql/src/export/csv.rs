//! A table as CSV (RFC 4180), with a line of names; times in RFC 3339.

use ::csv::{Terminator, WriterBuilder};
use chrono::SecondsFormat;

use super::table::{Table, Values};

pub(super) fn write(table: &Table) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|(name, _)| name))?;
    for row in 0..table.rows() {
        writer.write_record(table.columns.iter().map(|(_, values)| values.cell(row)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

impl Values {
    fn cell(&self, row: usize) -> String {
        let text = match self {
            Self::Text(values) => values[row].as_deref().map(harmless),
            Self::Whole(values) => values[row].map(|value| value.to_string()),
            Self::Number(values) => values[row].map(|value| value.to_string()),
            Self::Day(values) => values[row].map(|value| value.to_string()),
            Self::Time(values) => values[row].map(|value| value.to_rfc3339_opts(SecondsFormat::Millis, true)),
        };
        text.unwrap_or_default()
    }
}

/// Regions, builds and so on are what clients say. A spreadsheet would compute what begins like a formula; an apostrophe keeps it text
/// (OWASP, CSV injection).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_compute_nothing() {
        let rows = [Some("=1+1"), Some("a,\"b\"\r\nc"), None];
        let table = Table::new()
            .text("group", &rows, |text| text.map(str::to_owned))
            .number("share", &rows, |text| text.map(|_| 0.5))
            .whole("events", &rows, |_| Some(7));
        let file = String::from_utf8(write(&table).expect("it is written")).expect("it is text");
        assert_eq!(file, "group,share,events\r\n'=1+1,0.5,7\r\n\"a,\"\"b\"\"\r\nc\",0.5,7\r\n,,7\r\n");
    }
}
