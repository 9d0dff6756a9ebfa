//! R, one result of one test.

super::view::view! {
    /// A result record.
    ResultRecord of Result {
        sequence = 2,
        test_id = 3,
        value = 4,
        units = 5,
        reference_range = 6,
        abnormal_flags = 7,
        nature_of_abnormality = 8,
        status = 9,
        norms_changed = 10,
        operator = 11,
        started = 12,
        completed = 13,
        instrument = 14,
    }
}
