//! Soft line breaks of `format=flowed` (RFC 3676) are taken out.

/// Joins soft-broken lines of the same quote depth, and takes space-stuffing off.
/// With `delete_space` the blank at the break goes too (DelSp=yes).
pub(super) fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of the paragraph that the next line may go on.
    let mut open: Option<usize> = None;
    let mut first = true;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let (marks, content) = line.split_at_checked(depth).unwrap_or(("", line));
        let content = content.strip_prefix(' ').unwrap_or(content);
        let signature = content == "-- ";
        let soft = content.ends_with(' ') && !signature;
        if open == Some(depth) && !signature {
            if delete_space {
                out.pop();
            }
        } else {
            if !first {
                out.push('\n');
            }
            out.push_str(marks);
            if depth > 0 {
                out.push(' ');
            }
        }
        out.push_str(content);
        open = soft.then_some(depth);
        first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unflow;

    #[test]
    fn soft_breaks_go_and_hard_ones_stay() {
        assert_eq!(unflow("a \nb\nc", false), "a b\nc");
        assert_eq!(unflow("a \nb", true), "ab");
        assert_eq!(unflow("> a \n> b\nc", false), "> a b\nc");
        assert_eq!(unflow("> a \nb", false), "> a \nb");
        assert_eq!(unflow("x\n-- \nJan", false), "x\n-- \nJan");
        assert_eq!(unflow(" >From\n  x", false), ">From\n x");
        assert_eq!(unflow("a\n\nb", false), "a\n\nb");
    }
}
