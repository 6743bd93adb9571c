//! Marks that Snakemake appends to file names: they describe a file and are not part of its name.
//!
//! Pure. The stored report keeps the name as it was received.

/// Words in brackets after a name, alone or separated by commas.
const MARKS: [&str; 15] = [
    "ancient",
    "before update",
    "cached",
    "directory",
    "in storage",
    "nodelocal",
    "only provide storage uri",
    "pipe",
    "protected",
    "retrieve from storage",
    "send to storage",
    "service",
    "temp",
    "touch",
    "update",
];

/// A name without its marks: `p.fifo` for `p.fifo (pipe)`; unchanged if it has none.
pub fn bare(mut path: String) -> String {
    let is_mark = |word: &str| MARKS.contains(&word) || word.starts_with("access: ");
    let marked = path.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    let marked = marked.filter(|(name, words)| !name.is_empty() && words.split(", ").all(is_mark));
    if let Some(end) = marked.map(|(name, _)| name.len()) {
        path.truncate(end);
    }
    path
}

/// All names without their marks.
pub fn all_bare(paths: Vec<String>) -> Vec<String> {
    paths.into_iter().map(bare).collect()
}

/// The names of a list as logs print it: separated by commas, which may also stand between the marks of a name.
pub fn listed(value: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut is_open = false;
    for part in value.split(", ") {
        match names.last_mut() {
            Some(last) if is_open => {
                last.push_str(", ");
                last.push_str(part);
            }
            _ => names.push(part.to_owned()),
        }
        is_open = names.last().is_some_and(|name| begins_marks(name));
    }
    names.into_iter().map(bare).filter(|name| !name.is_empty()).collect()
}

/// Whether a name ends amid its marks: `a (access: sequential`.
fn begins_marks(name: &str) -> bool {
    let words = name.rsplit_once(" (").map(|(_, words)| words).filter(|words| !words.contains(')'));
    words.is_some_and(|words| words.split(", ").all(|word| MARKS.contains(&word) || word.starts_with("access: ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_between_names_and_not_between_marks() {
        for (list, names) in [
            ("a, b", vec!["a", "b"]),
            ("a (access: sequential, retrieve from storage), b (pipe)", vec!["a", "b"]),
            ("a (temp), b (nodelocal), c (update)", vec!["a", "b", "c"]),
            ("report (final, b", vec!["report (final", "b"]),
            ("", vec![]),
        ] {
            assert_eq!(listed(list), names, "{list}");
        }
    }

    #[test]
    fn a_mark_is_no_part_of_a_name_and_what_only_looks_like_one_is() {
        for (written, name) in [
            ("p.fifo (pipe)", "p.fifo"),
            ("sock (service)", "sock"),
            ("s3://lab/a.txt (send to storage)", "s3://lab/a.txt"),
            ("s3://lab/a.txt (retrieve from storage)", "s3://lab/a.txt"),
            ("s3://lab/a.txt (only provide storage uri)", "s3://lab/a.txt"),
            ("a (access: sequential, retrieve from storage)", "a"),
            ("a (nodelocal)", "a"),
            ("a (update)", "a"),
            ("a (before update)", "a"),
            ("https://lab/x.smk (cached)", "https://lab/x.smk"),
            ("t.txt (temp)", "t.txt"),
            ("k.txt (protected)", "k.txt"),
            ("report (final)", "report (final)"),
            ("report (pipe, final)", "report (pipe, final)"),
            ("a(pipe)", "a(pipe)"),
            (" (pipe)", " (pipe)"),
            ("copy (1).txt", "copy (1).txt"),
            ("x ()", "x ()"),
            ("größe (pipe)", "größe"),
        ] {
            assert_eq!(bare(written.to_owned()), name);
        }
    }
}
