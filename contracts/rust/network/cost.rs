//! What a transaction costs on OP Mainnet: gas of its execution, and its share of the data that goes to Ethereum.
//!
//! The second part is the OP Stack's formula since Fjord (<https://specs.optimism.io/protocol/fjord/exec-engine.html>,
//! "Fjord L1-Cost fee changes (FastLZ estimator)"): with the size that FastLZ would make of the signed transaction,
//! `l1Fee = estimatedSize * (16 * baseFeeScalar * l1BaseFee + blobBaseFeeScalar * blobBaseFee) / 1e12` and
//! `estimatedSize = max(100e6, 836_500 * fastlzSize - 42_585_600)`. The operator fee that Isthmus added is zero until the
//! chain's owner sets one, and is not counted.

use alloy::primitives::U256;
use op_alloy_flz::{flz_compress_len, tx_estimated_size_fjord};
use serde::Deserialize;

/// A gwei in wei.
const GWEI: u64 = 1_000_000_000;

/// Prices, in wei. The scalars are those that OP Mainnet's SystemConfig has had since Fjord, and the two L1 fees those of
/// its block 124,665,056, rounded up (its first transaction states all four); what holds today is an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fees {
    /// Of a unit of gas: base fee and tip.
    pub gas_price_wei: u64,
    /// Ethereum's base fee of a unit of gas.
    pub l1_base_fee_wei: u64,
    /// In millionths.
    pub base_fee_scalar: u32,
    /// Ethereum's base fee of a unit of blob gas.
    pub blob_base_fee_wei: u64,
    /// In millionths.
    pub blob_base_fee_scalar: u32,
}

impl Default for Fees {
    fn default() -> Self {
        Self {
            gas_price_wei: GWEI / 1_000,
            l1_base_fee_wei: 1_100_000_000,
            base_fee_scalar: 5_227,
            blob_base_fee_wei: 1,
            blob_base_fee_scalar: 1_014_213,
        }
    }
}

/// What one transaction costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Gas of its execution.
    pub gas: u64,
    /// Bytes of the signed transaction.
    pub bytes: usize,
    /// What FastLZ makes of them.
    pub compressed: u32,
    /// The price of its gas, in wei.
    pub execution_wei: U256,
    /// The price of its data, in wei.
    pub data_wei: U256,
}

impl Cost {
    /// The cost of a signed transaction, in the form in which it is sent, that uses so much gas.
    pub fn of(signed: &[u8], gas: u64, fees: &Fees) -> Self {
        let Fees { gas_price_wei, l1_base_fee_wei, base_fee_scalar, blob_base_fee_wei, blob_base_fee_scalar } = *fees;
        let product = |scalar: u32, fee: u64| U256::from(scalar) * U256::from(fee);
        let scaled = U256::from(16) * product(base_fee_scalar, l1_base_fee_wei)
            + product(blob_base_fee_scalar, blob_base_fee_wei);
        Self {
            gas,
            bytes: signed.len(),
            compressed: flz_compress_len(signed),
            execution_wei: U256::from(gas) * U256::from(gas_price_wei),
            data_wei: U256::from(tx_estimated_size_fjord(signed)) * scaled / U256::from(1_000_000_000_000_u64),
        }
    }

    /// Both prices together, in wei.
    pub fn wei(&self) -> U256 {
        self.execution_wei + self.data_wei
    }
}

/// Wei as ether with nine decimals, rounded up: a price is never said too low.
pub(super) fn ether(wei: U256) -> String {
    let gwei = wei.div_ceil(U256::from(GWEI));
    let (whole, rest) = gwei.div_rem(U256::from(GWEI));
    format!("{whole}.{rest:0>9}")
}

/// Wei as gwei, with as many decimals as it has.
pub(super) fn gwei(wei: u64) -> String {
    let text = format!("{}.{:09}", wei / GWEI, wei % GWEI);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::hex;

    use super::*;

    /// A call of a contract, signed; its length is in op-geth's own test of `FlzCompressLen`.
    const CALL: &[u8] = &hex!(
        "02f901550a758302df1483be21b88304743f94f80e51afb613d764fa61751affd3313c190a86bb870151bd62fd12adb8e41ef24f3f00"
        "0000000000000000000000000000000000000000000000000000000000006e000000000000000000000000af88d065e77c8cc2239327"
        "c5edb3a432268e5831000000000000000000000000000000000000000000000000000000000003c1e500000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000a0000000"
        "00000000000000000000000000000000000000000000000000000000148c89ed219d02f1a5be012c689b4f5b731827bebe0000000000"
        "00000000000000c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a3675a7f5f493ebd5ad77c497f8a07cdf65680e238392693019"
        "b4092f610222e71b7cec06449cb922b93b6a12744e"
    );

    const UNIT: Fees = Fees {
        gas_price_wei: 3,
        l1_base_fee_wei: 1_000_000,
        base_fee_scalar: 1_000,
        blob_base_fee_wei: 1_000_000,
        blob_base_fee_scalar: 1_000,
    };

    /// Lengths from op-geth's `TestFlzCompressLen`.
    #[test]
    fn the_compressed_length_is_what_the_chain_counts() {
        let empty_transaction = hex!("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080");
        let cases: [(&[u8], u32); 5] =
            [(&[], 0), (&[1; 1_000], 21), (&[0; 1_000], 21), (&empty_transaction, 31), (CALL, 202)];
        for (bytes, length) in cases {
            assert_eq!(Cost::of(bytes, 0, &UNIT).compressed, length, "{}", hex::encode(bytes));
        }
    }

    /// The estimated size of the call is 836,500 * 202 - 42,585,600 = 126,387,400; revm's test has 2,148 for base
    /// fees of a thousandth.
    #[test]
    fn data_is_paid_by_its_size_and_never_for_less_than_a_hundred_bytes() {
        let cost = Cost::of(CALL, 1_000, &UNIT);
        assert_eq!((cost.data_wei, cost.execution_wei), (U256::from(2_148_585), U256::from(3_000)));
        assert_eq!(cost.wei(), U256::from(2_151_585));
        assert_eq!(Cost::of(&hex!("facade"), 0, &UNIT).data_wei, U256::from(1_700_000));
    }

    #[test]
    fn prices_are_written_in_full() {
        assert_eq!(ether(U256::from(1_500_000_000_000_000_001_u64)), "1.500000001");
        assert_eq!((gwei(1_100_000_000), gwei(1), gwei(2 * GWEI)), ("1.1".into(), "0.000000001".into(), "2".into()));
    }
}
