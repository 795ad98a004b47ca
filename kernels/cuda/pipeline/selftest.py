"""Tests of the checks themselves: each fault in a kernel is refused, and a kernel without one is not."""

import sys
import unittest

from pipeline import assembly
from pipeline.assembly import PTX, SASS, Rule
from pipeline.toolchain import read_resources

RULE = Rule("k", "FFMA", "fma.rn.f32", share_min=0.5, levels=(61, 86))

SASS_TEXT = """
\t.section\t.text.k,"ax",@progbits
.text.k:
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   FFMA R2, R3, R4, R2 ;
        /*0020*/              @!P0 FFMA R4, R3, -R2, R4 ;
.L_x_2:
        /*0030*/                   FFMA R2, R3, R4, R2 ;
        /*0040*/                   FFMA R4, R3, -R2, R4 ;
        /*0050*/                   ISETP.GE.AND P0, PT, R2, 0x1, PT ;
        /*0060*/              @!P0 BRA `(.L_x_2) ;
        /*0070*/               @P0 BRA `(.L_x_1) ;
        /*0080*/                   EXIT ;
.L_x_3:
        /*0090*/                   BRA `(.L_x_3);
"""

PTX_TEXT = """
.visible .entry k(
\t.param .u32 k_param_0
)
{
\t.reg .pred \t%p<2>;
\tld.param.u32 \t%r1, [k_param_0];
$L__BB0_1:
\tfma.rn.f32 \t%f1, %f2, %f3, %f1;
\tfma.rn.f32 \t%f3, %f4, %f1, %f3;
\tsetp.ne.s32 \t%p1, %r1, 0;
\t@%p1 bra \t$L__BB0_1;
\tret;
}
"""


def problems(text: str, dialect: assembly.Dialect = SASS, level: int = 86, rule: Rule = RULE) -> list:
    functions = assembly.parse(text, dialect)
    return assembly.forbidden(functions, dialect) + assembly.judge(functions, dialect, rule, level).problems


class Assembly(unittest.TestCase):
    def test_a_sound_kernel_passes(self):
        self.assertEqual(problems(SASS_TEXT), [])
        self.assertEqual(problems(PTX_TEXT, PTX, 61), [])

    def test_the_main_loop_is_the_innermost(self):
        verdict = assembly.judge(assembly.parse(SASS_TEXT, SASS), SASS, RULE, 86)
        self.assertEqual((verdict.expected, verdict.total), (2, 4))

    def test_two_branches_to_one_place_are_one_loop(self):
        text = SASS_TEXT.replace(
            "/*0050*/                   ISETP.GE.AND P0, PT, R2, 0x1, PT", "/*0050*/ @P1 BRA `(.L_x_2)"
        )
        verdict = assembly.judge(assembly.parse(text, SASS), SASS, RULE, 86)
        self.assertEqual((verdict.expected, verdict.total), (2, 4))

    def test_padding_does_not_count(self):
        text = SASS_TEXT.replace(".L_x_2:", ".L_x_2:\n        /*0028*/                   NOP ;")
        verdict = assembly.judge(assembly.parse(text, SASS), SASS, RULE, 86)
        self.assertEqual((verdict.expected, verdict.total), (2, 4))

    def test_local_memory_is_refused(self):
        self.assertEqual(problems(SASS_TEXT.replace("EXIT", "LDL.64 R2, [R1]")), ["k: LDL.64 is local memory"])
        self.assertEqual(problems(SASS_TEXT.replace("EXIT", "STL [R1], R2")), ["k: STL is local memory"])
        self.assertEqual(len(problems(PTX_TEXT.replace("\tret", "\tst.local.u32 \t[%rd1], %r1"), PTX, 61)), 1)

    def test_flushing_to_zero_is_refused(self):
        self.assertIn(
            "k: FFMA.FTZ is subnormals flushed to zero", problems(SASS_TEXT.replace("@!P0 FFMA", "@!P0 FFMA.FTZ"))
        )
        self.assertEqual(len(problems(PTX_TEXT.replace("setp.ne.s32", "setp.ne.ftz.f32"), PTX, 61)), 1)

    def test_approximate_functions_are_refused(self):
        self.assertEqual(
            problems(SASS_TEXT.replace("EXIT", "MUFU.RCP R2, R3")), ["k: MUFU.RCP is an approximate function"]
        )
        for opcode in ("rcp.approx.f32 \t%f1, %f2", "div.u32 \t%r1, %r2, %r3"):
            self.assertEqual(len(problems(PTX_TEXT.replace("\tret", f"\t{opcode}"), PTX, 61)), 1)

    def test_a_low_share_is_refused_on_its_levels_only(self):
        text = SASS_TEXT.replace("/*0040*/                   FFMA R4, R3, -R2, R4", "/*0040*/ IADD3 R4, R4, R5, RZ")
        expected = ["k: 25.0% FFMA in the main loop, at least 50.0% are expected"]
        self.assertEqual(problems(text), expected)
        self.assertEqual(problems(text, level=75), [])

    def test_a_kernel_without_the_expected_instruction_is_refused(self):
        self.assertEqual(problems(SASS_TEXT.replace("FFMA", "FMUL"), level=75), ["k: 0 FFMA, at least 1 are expected"])

    def test_straight_code_is_counted_as_a_whole(self):
        rule = Rule("k", "FFMA", "", count_min=5, looped=False)
        self.assertEqual(problems(SASS_TEXT, rule=rule), ["k: 4 FFMA, at least 5 are expected"])

    def test_a_missing_kernel_is_refused(self):
        self.assertEqual(problems(SASS_TEXT.replace(".text.k,", ".text.other,")), ["k is missing"])


class Resources(unittest.TestCase):
    def test_spills_and_stack_are_read(self):
        report = """
ptxas info    : Compiling entry function 'k' for 'sm_86'
ptxas info    : Function properties for k
    16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 7 registers, used 1 barriers, 16384 bytes smem, 332 bytes cmem[0]
"""
        used = read_resources(report)["k"]
        self.assertEqual((used.registers, used.spilled_bytes, used.stack_bytes, used.shared_bytes), (7, 12, 16, 16384))


def passes() -> bool:
    """Runs the tests."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    return unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful()
