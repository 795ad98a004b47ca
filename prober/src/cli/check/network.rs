//! The way to an end point, as a row of the table and a part of the document.
use crate::{
    cli::output,
    net::{self, Figures},
};
use gpux_kernels::probe::ProbeId;
use serde::Serialize;

/// The end point of a machine that is its own.
pub(super) const LOOPBACK: &str = "loopback";

/// The way to an end point.
#[derive(Debug, Serialize)]
pub(super) struct Network {
    /// Where; "loopback" is this machine.
    pub(super) endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    pub(super) down_bits_per_second: u64,
    pub(super) up_bits_per_second: u64,
    pub(super) round_trip_us: f64,
    /// How far the other end can be at most.
    pub(super) distance_max_km: f64,
}

impl Network {
    /// What was measured, or why nothing was.
    pub(super) fn new(endpoint: String, measured: &Result<Figures, net::Error>) -> Self {
        let nothing = Self {
            endpoint,
            failure: None,
            down_bits_per_second: 0,
            up_bits_per_second: 0,
            round_trip_us: 0.0,
            distance_max_km: 0.0,
        };
        match measured {
            Err(error) => Self { failure: Some(error.to_string()), ..nothing },
            Ok(figures) => Self {
                down_bits_per_second: figures.down_bits_per_second as u64,
                up_bits_per_second: figures.up_bits_per_second as u64,
                round_trip_us: figures.round_trip_min.as_nanos() as f64 / 1e3,
                distance_max_km: figures.distance_metres_max / 1e3,
                ..nothing
            },
        }
    }

    pub(super) fn row(&self) -> [String; 5] {
        let (figures, result) = match &self.failure {
            Some(failure) => ("-".into(), format!("not run: {failure}")),
            None => {
                let rate = |bits: u64| output::amount(bits as f64, "bit/s");
                let (down, up) = (rate(self.down_bits_per_second), rate(self.up_bits_per_second));
                let trip = match self.round_trip_us {
                    us if us < 1e3 => format!("{us:.0} µs"),
                    us => format!("{:.1} ms", us / 1e3),
                };
                let distance = format!(", at most {:.0} km away", self.distance_max_km.ceil());
                let distance = if self.endpoint == LOOPBACK { "" } else { &distance };
                (format!("{down} down, {up} up, {trip}"), format!("to {}{distance}", self.endpoint))
            }
        };
        [ProbeId::Net.name().into(), String::new(), figures, String::new(), result]
    }
}
