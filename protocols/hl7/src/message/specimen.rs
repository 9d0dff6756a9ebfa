//! SPM, SAC and INV: the specimen, its container, and what the instrument keeps in stock.

super::view::view! {
    /// A specimen.
    Spm of b"SPM" {
        set_id = 1,
        /// The placer's identifier and the filler's.
        identifier = 2,
        parents = 3,
        specimen_type = 4,
        type_modifier = 5,
        additives = 6,
        collection_method = 7,
        source_site = 8,
        site_modifier = 9,
        collection_site = 10,
        /// P patient, Q quality control, C calibrator.
        role = 11,
        collection_amount = 12,
        grouped_count = 13,
        description = 14,
        handling = 15,
        risk = 16,
        collected = 17,
        received = 18,
        expires = 19,
        availability = 20,
        reject_reason = 21,
        quality = 22,
        appropriateness = 23,
        condition = 24,
        current_quantity = 25,
        containers = 26,
        container_type = 27,
    }
}

super::view::view! {
    /// A container.
    Sac of b"SAC" {
        external_accession = 1,
        accession = 2,
        container = 3,
        primary_container = 4,
        equipment_container = 5,
        specimen_source = 6,
        registered = 7,
        status = 8,
        carrier_type = 9,
        carrier = 10,
        carrier_position = 11,
        tray_type = 12,
        tray = 13,
        tray_position = 14,
        location = 15,
        volume = 21,
        available_volume = 22,
        initial_volume = 23,
        volume_units = 24,
        dilution = 29,
    }
}

super::view::view! {
    /// A substance in stock: a reagent, a calibrator, a control.
    Inv of b"INV" {
        substance = 1,
        status = 2,
        substance_type = 3,
        container = 4,
        carrier = 5,
        carrier_position = 6,
        initial_quantity = 7,
        current_quantity = 8,
        available_quantity = 9,
        consumed_quantity = 10,
        quantity_units = 11,
        expires = 12,
        first_used = 13,
        on_board_stability = 14,
        tests = 15,
        manufacturer_lot = 16,
        manufacturer = 17,
        supplier = 18,
        on_board_stability_time = 19,
        target = 20,
    }
}
