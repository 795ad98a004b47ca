//! A leader who is honest, and leaders who lie in each way that a co-operator is there for.

mod cast;
mod forgeries;
mod honest;
mod leader;
mod lies;
mod market;
mod stage;
