//! What of a text is not seen by whoever typed or copied it.

/// Characters without a width: what chats, web pages and word processors leave in a text, marks of direction and of where a
/// word may break among them.
pub fn is_zero_width(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}'
    )
}

/// Those, and spaces of every kind.
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace() || is_zero_width(c)
}

/// Without padding, visible or not.
pub fn bare(text: &str) -> &str {
    text.trim_matches(is_invisible)
}
