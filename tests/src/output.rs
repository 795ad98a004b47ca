//! What a person reads on the terminal: lines and tables on standard output. It never decides anything, and no other
//! module of this crate prints.
#![allow(clippy::print_stdout, reason = "the one module that writes to standard output")]

/// Prints a line.
pub fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}

/// Prints an empty line.
pub fn blank() {
    println!();
}

/// Prints a line of trouble on standard error.
pub fn problem(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

/// Prints what is done so far on standard error, so that standard output holds the result alone.
pub fn progress(text: &str) {
    eprintln!("{text}");
}

/// Prints rows under a header, each column as wide as its widest cell.
pub fn table(header: &[&str], rows: &[Vec<String>]) {
    println!("{}", render(header, rows));
}

/// The same as text.
#[must_use]
pub fn render(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let titles: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut out = String::new();
    for row in [&titles, &dashes].into_iter().chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["long name".to_owned(), "22".to_owned()]];
        assert_eq!(render(&["name", "x"], &rows), "name       x\n---------  --\na          1\nlong name  22\n");
    }
}
