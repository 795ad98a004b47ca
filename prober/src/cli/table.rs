//! Rows under a header, each column as wide as its widest cell. Pure: text in, text out.

/// Renders rows; a column without a cell is left out, and a line never ends with spaces.
pub(super) fn render<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let used: [bool; N] = std::array::from_fn(|column| rows.iter().any(|row| !row[column].is_empty()));
    let line = |row: &[String; N]| {
        let shown = row.iter().zip(widths).zip(used).filter(|(_, used)| *used);
        let cells = shown.map(|((cell, width), _)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "", "1"], ["long name", "", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(render(["name", "nothing", "x"], &rows), "name       x\na          1\nlong name\n");
    }
}
