//! Q, a request for orders or results.

super::view::view! {
    /// A query record.
    QueryRecord of Query {
        sequence = 2,
        /// The first specimen asked for, or each of several as occurrences.
        starting_id = 3,
        ending_id = 4,
        test_id = 5,
        time_nature = 6,
        begin = 7,
        end = 8,
        physician = 9,
        physician_phone = 10,
        user_1 = 11,
        user_2 = 12,
        /// O orders asked for, D demographics only, A cancel the last query.
        status = 13,
    }
}
