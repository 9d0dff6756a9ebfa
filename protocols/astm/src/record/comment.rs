//! C, a comment on the record before it.

super::view::view! {
    /// A comment record.
    CommentRecord of Comment {
        sequence = 2,
        /// P practice, L computer system, I instrument.
        source = 3,
        text = 4,
        /// G generic, T test name, P positive, N negative, I instrument flag.
        comment_type = 5,
    }
}
