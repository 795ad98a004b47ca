//! Parameters and probes between the wire and the computation. The numbers of [`ProbeId`] and of the wire's `Probe` are
//! the same; sizes that do not fit their probe are refused by [`Parameters::validate`].

use gpux_proto::evidence::{self, parameters::Sizes};

use crate::probe::{Error, Parameters, ProbeId, Shape};

impl From<ProbeId> for evidence::Probe {
    fn from(probe: ProbeId) -> Self {
        Self::try_from(i32::from(probe.number())).unwrap_or_default()
    }
}

impl TryFrom<evidence::Probe> for ProbeId {
    type Error = Error;

    fn try_from(probe: evidence::Probe) -> Result<Self, Error> {
        Self::try_from(u8::try_from(i32::from(probe)).unwrap_or_default())
    }
}

impl From<&Parameters> for evidence::Parameters {
    fn from(parameters: &Parameters) -> Self {
        let sizes = match parameters.shape {
            Shape::Product { n, k, tile } => Sizes::Product(evidence::ProductParameters { n, k, tile }),
            Shape::Chains { lanes, steps } => Sizes::Chains(evidence::ChainParameters { lanes, steps }),
            Shape::Walk { cells, walkers, steps, hard } => {
                Sizes::Walk(evidence::WalkParameters { cells, walkers, steps, hard })
            }
            Shape::Pass { blocks } => Sizes::Pass(evidence::PassParameters { blocks }),
            Shape::Link { blocks, trips } => Sizes::Link(evidence::LinkParameters { blocks, trips }),
            Shape::Pages { pages, walkers, steps } => Sizes::Pages(evidence::PagesParameters { pages, walkers, steps }),
        };
        Self { probe: evidence::Probe::from(parameters.probe).into(), scale: parameters.scale, sizes: Some(sizes) }
    }
}

impl TryFrom<&evidence::Parameters> for Parameters {
    type Error = Error;

    fn try_from(wire: &evidence::Parameters) -> Result<Self, Error> {
        let probe = ProbeId::try_from(wire.probe())?;
        let shape = match *wire.sizes.as_ref().ok_or(Error::WrongShape(probe))? {
            Sizes::Product(evidence::ProductParameters { n, k, tile }) => Shape::Product { n, k, tile },
            Sizes::Chains(evidence::ChainParameters { lanes, steps }) => Shape::Chains { lanes, steps },
            Sizes::Walk(evidence::WalkParameters { cells, walkers, steps, hard }) => {
                Shape::Walk { cells, walkers, steps, hard }
            }
            Sizes::Pass(evidence::PassParameters { blocks }) => Shape::Pass { blocks },
            Sizes::Link(evidence::LinkParameters { blocks, trips }) => Shape::Link { blocks, trips },
            Sizes::Pages(evidence::PagesParameters { pages, walkers, steps }) => Shape::Pages { pages, walkers, steps },
        };
        let parameters = Self { probe, shape, scale: wire.scale };
        parameters.validate()?;
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Market, plan};

    #[test]
    fn every_plan_survives_the_wire() {
        for probe in ProbeId::ALL {
            assert_eq!(ProbeId::try_from(evidence::Probe::from(probe)), Ok(probe));
            for market in [Market::Development, Market::Production] {
                let Some(plan) = plan(probe, market) else { continue };
                assert_eq!(Parameters::try_from(&evidence::Parameters::from(&plan.parameters)), Ok(plan.parameters));
            }
        }
    }

    #[test]
    fn sizes_of_another_probe_are_refused() {
        let mut wire = evidence::Parameters::from(&plan(ProbeId::Cpu, Market::Production).unwrap().parameters);
        wire.probe = evidence::Probe::Imma.into();
        assert_eq!(Parameters::try_from(&wire), Err(Error::WrongShape(ProbeId::Imma)));
        wire.sizes = None;
        assert!(Parameters::try_from(&wire).is_err());
        assert!(Parameters::try_from(&evidence::Parameters::default()).is_err());
    }
}
