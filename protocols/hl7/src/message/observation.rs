//! OBX and NTE: one observation, and remarks on what stands before them.

super::view::view! {
    /// One observation.
    Obx of b"OBX" {
        set_id = 1,
        /// NM, SN, ST, TX, CE, CWE, ED and others; empty where there is no value.
        value_type = 2,
        identifier = 3,
        sub_id = 4,
        value = 5,
        units = 6,
        reference_range = 7,
        interpretation = 8,
        probability = 9,
        nature_of_abnormality = 10,
        /// F final, P preliminary, C corrected, X no result, and others of table 0085.
        status = 11,
        range_effective = 12,
        access_checks = 13,
        observed = 14,
        producer = 15,
        observer = 16,
        method = 17,
        equipment = 18,
        analyzed = 19,
        site = 20,
        instance = 21,
        mood = 22,
        performing_organization = 23,
        performing_address = 24,
        performing_director = 25,
        /// RSLT result, SUPP supplemental, since 2.8.2.
        observation_type = 29,
        observation_sub_type = 30,
    }
}

super::view::view! {
    /// A note.
    Nte of b"NTE" {
        set_id = 1,
        /// P placer, L laboratory, O other.
        source = 2,
        comment = 3,
        comment_type = 4,
    }
}
