//! L, the end of a message.

super::view::view! {
    /// A terminator record.
    TerminatorRecord of Terminator {
        sequence = 2,
        /// Empty or N normal, T sender aborted, R receiver aborted, E error, Q query error, I no information,
        /// F last query processed.
        code = 3,
    }
}
