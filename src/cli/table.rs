//! Tables without borders: upper-case headers, two spaces between columns, numbers to the right.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::human;
use super::look::{Look, Status, Tone};

pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

use Column::{Number, Text};

/// A table that is filled row by row. Columns of `wide` are left out unless they are asked for.
pub(crate) struct Rows {
    table: Table,
    look: Look,
    narrow: usize,
}

impl Rows {
    pub(crate) fn new(look: &Look, narrow: &[Column], wide: &[Column]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if look.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let shown = if look.wide { wide } else { &[] };
        let columns: Vec<&Column> = narrow.iter().chain(shown).collect();
        table.set_header(columns.iter().map(|it| header(it)));
        for (column, at) in columns.iter().zip(0..) {
            let it = table.column_mut(at).expect("the header made this column");
            it.set_padding((0, 2));
            if let Number(_) = column {
                it.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, look: *look, narrow: narrow.len() }
    }

    pub(crate) fn add(&mut self, narrow: Vec<Cell>, wide: Vec<Cell>) {
        debug_assert_eq!(narrow.len(), self.narrow, "as many cells as columns");
        let shown = if self.look.wide { wide } else { Vec::new() };
        self.table.add_row(narrow.into_iter().chain(shown));
    }

    /// The table, its last line ended.
    pub(crate) fn text(&self) -> String {
        self.table.lines().map(|it| it.trim_end().to_owned() + "\n").collect()
    }
}

fn header(column: &Column) -> Cell {
    let (Text(name) | Number(name)) = column;
    Cell::new(name).add_attribute(Attribute::Bold)
}

pub(crate) fn text(text: &str) -> Cell {
    Cell::new(human::plain(text))
}

pub(crate) fn count(n: impl Into<u64>) -> Cell {
    Cell::new(human::count(n.into()))
}

pub(crate) fn bytes(n: u64) -> Cell {
    Cell::new(human::bytes(n))
}

/// A count of something bad: it stands out unless it is zero.
pub(crate) fn bad_count(n: u64, tone: Tone) -> Cell {
    let cell = count(n);
    if n == 0 { cell } else { toned(cell, tone) }
}

pub(crate) fn status(status: impl Into<Status>) -> Cell {
    let status = status.into();
    toned(Cell::new(status.text()), status.tone)
}

fn toned(cell: Cell, tone: Tone) -> Cell {
    match tone {
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Busy => cell.fg(Color::DarkCyan),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Bad => cell.fg(Color::DarkRed),
        Tone::Quiet => cell.add_attribute(Attribute::Dim),
    }
}

/// Facts of one thing: a name and a text on each line, texts under one another.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 1;
    let line = |(name, text): &(&str, String)| {
        format!("{:width$}  {text}", format!("{name}:")).trim_end().to_owned() + "\n"
    };
    facts.iter().map(line).collect()
}
