//! M, whatever a manufacturer adds: histograms, reagent lots. Its fields are the manufacturer's own.

super::view::view! {
    /// A manufacturer's record.
    ManufacturerRecord of Manufacturer {
        sequence = 2,
        /// Names what follows, where the manufacturer does so.
        label = 3,
    }
}
