//! A field that says twice what can only be one thing.

use super::*;

#[test]
fn a_repeated_specimen_or_code_waits_for_a_person() {
    let order = |specimen: &str| {
        read(&format!(
            "H|\\^&|||Sim|||||LIS||P\nP|1\nO|1|{specimen}||^^^K\\^^^HGB|R\nR|1|^^^K|4.1|mmol/L||||F\nL|1|N"
        ))
    };
    let several = order("S1\\S2");
    let it = only(&several);
    assert_eq!((kinds(&several), holds(it)), (vec!["out-of-place"], vec![HoldReason::BlankSpecimen]));
    assert_eq!((it.specimen.reveal(), it.specimen_as_sent.reveal().as_str()), ("", "S1\\S2"));
    for one_number in ["S1", "S1\\", "S1^7"] {
        let outcome = order(one_number);
        assert_eq!((kinds(&outcome), only(&outcome).specimen.reveal()), (Vec::new(), "S1"), "{one_number}");
    }
    let code = one("R|1|^^^K\\^^^HGB|4.1|mmol/L||||F");
    assert_eq!((kinds(&code), holds(only(&code))), (vec!["odd-value"], vec![HoldReason::OddValue]));
}
