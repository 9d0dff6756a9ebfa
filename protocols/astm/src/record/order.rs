//! O, the order: a specimen and the tests asked of it.

super::view::view! {
    /// An order record.
    OrderRecord of Order {
        sequence = 2,
        specimen_id = 3,
        /// The number, carrier or position that the instrument itself gave.
        instrument_specimen_id = 4,
        /// Repeated where one order asks for several tests.
        test_id = 5,
        /// S stat, A as soon as possible, R routine, C call back, P preoperative.
        priority = 6,
        ordered = 7,
        collected = 8,
        collection_end = 9,
        volume = 10,
        collector = 11,
        /// C cancel, A add, N new, P pending, L reserved, X already in process, Q quality control.
        action = 12,
        danger = 13,
        clinical_information = 14,
        received = 15,
        specimen_descriptor = 16,
        physician = 17,
        physician_phone = 18,
        user_1 = 19,
        user_2 = 20,
        laboratory_1 = 21,
        laboratory_2 = 22,
        reported = 23,
        charge = 24,
        section = 25,
        /// O order, C correction, P preliminary, F final, X cancelled, I pending, Y no order, Z no record, Q answer.
        report_type = 26,
        ward = 28,
        nosocomial_flag = 29,
        service = 30,
        institution = 31,
    }
}
