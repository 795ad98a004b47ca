//! What a module says of its kernels.

/// Returns the widths of a kernel's parameters in bits; `None` if the module has no such kernel.
pub(super) fn widths(text: &str, name: &str) -> Option<Vec<u32>> {
    let entry =
        |rest: &&str| rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('('));
    let (head, _) = text.split(".entry").skip(1).find(entry)?.split_once(')')?;
    let types = head.split_whitespace().filter_map(|word| word.strip_prefix(".u").or(word.strip_prefix(".b")));
    types.map(|bits| bits.parse().ok()).collect()
}

#[test]
fn widths_are_read() {
    let text =
        ".entry other(\n)\n{ }\n.visible .entry some(\n.param .u64 some_param_0,\n.param .u32 some_param_1\n)\n{ }";
    assert_eq!(widths(text, "some"), Some(vec![64, 32]));
    assert_eq!(widths(text, "other"), Some(vec![]));
    assert_eq!(widths(text, "so"), None);
}
