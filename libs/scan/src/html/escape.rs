//! A text inside HTML.

use std::fmt;

use crate::tally::visible;

/// Shown as it is between tags and in quoted attributes, without control characters (HTML has no
/// form for them).
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        visible(self.0).try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_tag_or_an_attribute() {
        let shown = Escaped("<b title='x' class=\"y\">&amp;\u{0}é\r\n").to_string();
        assert_eq!(shown, "&lt;b title=&#39;x&#39; class=&quot;y&quot;&gt;&amp;amp;\u{fffd}é\n");
    }
}
