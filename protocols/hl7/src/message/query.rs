//! QPD, QRD and QRF: what a peer wants to know.

super::view::view! {
    /// The parameters of a query, since 2.4. What the fields after the tag mean depends on the query's name.
    Qpd of b"QPD" {
        name = 1,
        tag = 2,
        parameter_1 = 3,
        parameter_2 = 4,
        parameter_3 = 5,
        parameter_4 = 6,
        parameter_5 = 7,
        parameter_6 = 8,
    }
}

super::view::view! {
    /// A query of the original mode.
    Qrd of b"QRD" {
        asked = 1,
        /// D for display, R record-oriented, T tabular.
        format = 2,
        /// D deferred, I immediate.
        priority = 3,
        query_id = 4,
        deferred_type = 5,
        deferred_until = 6,
        quantity = 7,
        who = 8,
        /// What about the subject is asked; CAN cancels a query of some analyzers.
        what = 9,
        department = 10,
        what_code = 11,
        results_level = 12,
    }
}

super::view::view! {
    /// The filter of a query of the original mode.
    Qrf of b"QRF" {
        place = 1,
        begin = 2,
        end = 3,
        what_user = 4,
        other_subject = 5,
        /// What is counted in time: collected, ordered, received and others.
        date_qualifier = 6,
        status_qualifier = 7,
        selection_qualifier = 8,
        timing = 9,
    }
}
