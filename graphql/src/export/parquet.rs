//! A table as Parquet: one group of rows, every column optional, not compressed.

use std::sync::Arc;

use ::parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::Result,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};
use chrono::Datelike;

use super::table::{Table, Values};

/// Days from year 1 to 1970.
const EPOCH: i32 = 719_163;

pub(super) fn write(table: &Table) -> Result<Vec<u8>> {
    let fields = table.columns.iter().map(|(name, values)| values.field(name)).collect::<Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("answer").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_created_by("muster".to_owned()).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut rows = writer.next_row_group()?;
    for (_, values) in &table.columns {
        if let Some(mut column) = rows.next_column()? {
            values.write(&mut column)?;
            column.close()?;
        }
    }
    rows.close()?;
    writer.into_inner()
}

impl Values {
    fn field(&self, name: &str) -> Result<Arc<Type>> {
        let (physical, logical) = match self {
            Self::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Whole(_) => (Physical::INT64, None),
            Self::Number(_) => (Physical::DOUBLE, None),
            Self::Day(_) => (Physical::INT32, Some(LogicalType::Date)),
            Self::Time(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    }

    fn write(&self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match self {
            Self::Text(values) => put::<ByteArrayType, _>(column, values, |text| ByteArray::from(text.as_str())),
            Self::Whole(values) => put::<Int64Type, _>(column, values, |value| *value),
            Self::Number(values) => put::<DoubleType, _>(column, values, |value| *value),
            Self::Day(values) => put::<Int32Type, _>(column, values, |day| day.num_days_from_ce() - EPOCH),
            Self::Time(values) => put::<Int64Type, _>(column, values, |time| time.timestamp_millis()),
        }
    }
}

/// Level 1 is a value, 0 is none.
fn put<T: DataType, V>(
    column: &mut SerializedColumnWriter<'_>,
    values: &[Option<V>],
    of: impl Fn(&V) -> T::T,
) -> Result<()> {
    let levels: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
    let values: Vec<T::T> = values.iter().flatten().map(of).collect();
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ::parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, RowAccessor},
    };
    use axum::body::Bytes;

    use super::*;

    #[test]
    fn a_reader_reads_what_was_written() {
        let rows = [(Some("eu"), 5), (None, 7)];
        let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 31).expect("a day");
        let table = Table::new()
            .text("group", &rows, |row| row.0.map(str::to_owned))
            .whole("players", &rows, |row| Some(row.1))
            .number("share", &rows, |row| Some(row.1 as f64 / 2.0))
            .day("day", &rows, |_| Some(day))
            .time("at", &rows, |_| Some(day.and_time(chrono::NaiveTime::MIN).and_utc()));
        let file = write(&table).expect("it is written");
        let reader = SerializedFileReader::new(Bytes::from(file)).expect("it is Parquet");
        let read: Vec<_> = reader.get_row_iter(None).expect("it has rows").map(|row| row.expect("a row")).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].get_string(0).expect("text"), "eu");
        assert!(read[1].get_string(0).is_err());
        assert_eq!((read[1].get_long(1).expect("whole"), read[1].get_double(2).expect("number")), (7, 3.5));
        let told = read[0].get_column_iter().nth(3).map(|(_, field)| field.clone());
        assert_eq!(told, Some(Field::Date(20_484)));
        assert_eq!(read[0].get_timestamp_millis(4).expect("a time"), 20_484 * 86_400_000);
    }
}
