//! S, data for exchanges of methods and proficiency. Its fields are used as sent.

super::view::view! {
    /// A scientific record.
    ScientificRecord of Scientific {
        sequence = 2,
    }
}
