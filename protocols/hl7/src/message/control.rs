//! MSH, MSA and ERR: who sends what to whom, and what became of it.

super::view::view! {
    /// A message header.
    Msh of b"MSH" {
        separator = 1,
        encoding_characters = 2,
        sending_application = 3,
        sending_facility = 4,
        receiving_application = 5,
        receiving_facility = 6,
        sent = 7,
        security = 8,
        /// Message code, trigger event, structure.
        message_type = 9,
        control_id = 10,
        /// P production, T training, D debugging.
        processing = 11,
        version = 12,
        sequence_number = 13,
        continuation = 14,
        /// AL always, NE never, ER on error, SU on success; empty in the original mode.
        accept_acknowledgement = 15,
        /// As [`accept_acknowledgement`](Self::accept_acknowledgement); some analyzers put a number here.
        application_acknowledgement = 16,
        country = 17,
        character_set = 18,
        language = 19,
        alternate_character_set = 20,
        profile = 21,
    }
}

impl Msh<'_> {
    /// Whether MSH-12 names a version 2, as `2.5.1`. Nothing there counts as one.
    pub fn is_version_2(&self) -> bool {
        let version = self.version().component(1);
        version.is_empty() || version.raw().starts_with(b"2.")
    }
}

super::view::view! {
    /// An acknowledgement.
    Msa of b"MSA" {
        /// AA, AE, AR; CA, CE, CR.
        code = 1,
        /// The MSH-10 of the message that is acknowledged.
        control_id = 2,
        text = 3,
        expected_sequence_number = 4,
        delayed = 5,
        error_condition = 6,
    }
}

super::view::view! {
    /// An error.
    Err of b"ERR" {
        /// Code and location in one, before 2.5.
        code_and_location = 1,
        location = 2,
        /// By HL7 table 0357, as 101 or 207.
        code = 3,
        /// E error, W warning, I information, F fatal.
        severity = 4,
        application_code = 5,
        parameter = 6,
        diagnostic = 7,
        user_message = 8,
    }
}
