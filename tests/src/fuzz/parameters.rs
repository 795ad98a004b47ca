//! A probe's parameters, as canonical bytes and as a message: what is read is inside the envelope, and has one encoding.

use gpux_kernels::Parameters;
use gpux_proto::evidence;
use prost::Message as _;

/// Reads an input in both forms.
pub(super) fn run(input: &[u8]) {
    if let Ok(parameters) = Parameters::from_bytes(input) {
        assert_eq!(parameters.to_bytes(), input, "parameters have one encoding");
        held(&parameters);
    }
    let Ok(message) = evidence::Parameters::decode(input) else { return };
    if let Ok(parameters) = Parameters::try_from(&message) {
        assert_eq!(Parameters::try_from(&evidence::Parameters::from(&parameters)), Ok(parameters));
        assert_eq!(Parameters::from_bytes(&parameters.to_bytes()), Ok(parameters));
        held(&parameters);
    }
}

/// What may be asked of parameters inside the envelope.
fn held(parameters: &Parameters) {
    assert_eq!(parameters.validate(), Ok(()));
    for usable in [0, 1 << 20, 24 << 30, u64::MAX] {
        let cells = parameters.cells_for(usable);
        assert!(cells == 0 || parameters.allows_cells(cells), "{parameters:?} refuses its own {cells} cells");
        let _ = (parameters.units_per_round(cells), parameters.work_per_round(cells), parameters.bytes_of_cells(cells));
    }
}

/// Every plan in both forms.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    use gpux_kernels::plan::{Market, plan};
    let plans = gpux_kernels::ProbeId::ALL
        .into_iter()
        .flat_map(|probe| [Market::Development, Market::Production].map(|market| plan(probe, market)))
        .flatten();
    plans
        .flat_map(|plan| [plan.parameters.to_bytes(), evidence::Parameters::from(&plan.parameters).encode_to_vec()])
        .collect()
}
