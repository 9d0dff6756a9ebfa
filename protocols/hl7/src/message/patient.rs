//! PID and PV1: the patient and the visit as the peer knows them.

super::view::view! {
    /// A patient.
    Pid of b"PID" {
        set_id = 1,
        external_id = 2,
        identifiers = 3,
        alternate_id = 4,
        name = 5,
        mothers_maiden_name = 6,
        birth_date = 7,
        sex = 8,
        alias = 9,
        race = 10,
        address = 11,
        county = 12,
        home_phone = 13,
        business_phone = 14,
        language = 15,
        marital_status = 16,
        religion = 17,
        account = 18,
        social_security_number = 19,
        drivers_license = 20,
        mothers_identifier = 21,
        ethnic_group = 22,
        death = 29,
        death_indicator = 30,
        species = 35,
        breed = 36,
    }
}

super::view::view! {
    /// A visit.
    Pv1 of b"PV1" {
        set_id = 1,
        /// I inpatient, O outpatient, E emergency.
        patient_class = 2,
        location = 3,
        admission_type = 4,
        prior_location = 6,
        attending_doctor = 7,
        referring_doctor = 8,
        consulting_doctor = 9,
        hospital_service = 10,
        temporary_location = 11,
        visit_number = 19,
        financial_class = 20,
        admitted = 44,
        discharged = 45,
    }
}
