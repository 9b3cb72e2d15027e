//! Columns for a terminal, as kubectl has them.

use super::screen::{Mood, Screen, clean};

/// Between two columns.
const GAP: usize = 3;

/// Rows under headings.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// What stands in a row and a column.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    mood: Mood,
}

impl Cell {
    /// In a colour.
    pub fn new(text: impl Into<String>, mood: Mood) -> Self {
        Self { text: clean(&text.into()).replace(['\n', '\t'], " "), mood }
    }

    /// Without a colour; nothing is a hyphen.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(if text.is_empty() { "-".to_owned() } else { text }, Mood::Plain)
    }
}

impl Table {
    /// Of these columns.
    pub fn new(headings: Vec<&'static str>) -> Self {
        Self { headings, rows: Vec::new() }
    }

    /// Adds a row: a cell a column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The lines, in columns as wide as they must be.
    pub fn lines(&self, screen: Screen) -> Vec<String> {
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| heading.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let headings: Vec<_> = self.headings.iter().map(|heading| Cell::new(*heading, Mood::Strong)).collect();
        std::iter::once(&headings).chain(&self.rows).map(|row| line(row, &widths, screen)).collect()
    }
}

fn line(row: &[Cell], widths: &[usize], screen: Screen) -> String {
    let mut line = String::new();
    for (n, (cell, width)) in row.iter().zip(widths).enumerate() {
        line.push_str(&screen.paint(&cell.text, cell.mood));
        if n + 1 < row.len() {
            line.push_str(&" ".repeat(width + GAP - cell.text.chars().count()));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(vec!["NAME", "READY"]);
        table.row(vec![Cell::plain("eu-west"), Cell::plain("yes")]);
        table.row(vec![Cell::plain(""), Cell::plain("two\nlines")]);
        let lines = table.lines(Screen::new(false));
        assert_eq!(lines, ["NAME      READY", "eu-west   yes", "-         two lines"]);
    }
}
