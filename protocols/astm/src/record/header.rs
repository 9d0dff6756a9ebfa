//! H, the header: who sends to whom, and with which delimiters.

super::view::view! {
    /// A header record.
    HeaderRecord of Header {
        /// Repeat, component and escape delimiter, as declared.
        delimiters = 2,
        control_id = 3,
        access_password = 4,
        /// Name, often with software version and serial number as further components.
        sender = 5,
        sender_address = 6,
        sender_phone = 8,
        characteristics = 9,
        receiver = 10,
        comment = 11,
        /// P production, T training, D debugging, Q quality control.
        processing = 12,
        version = 13,
        sent = 14,
    }
}
