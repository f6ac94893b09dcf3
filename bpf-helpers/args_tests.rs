// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of `args.rs`.

use kernel::prelude::*;

#[kunit_tests(krsi_args)]
mod tests {
    use super::super::*;

    /// A block with borders every `page` bytes.
    struct Block {
        bytes: &'static [u8],
        counted: usize,
        page: usize,
    }

    impl Strings for Block {
        fn len(&self) -> usize {
            self.bytes.len()
        }

        fn counted(&self) -> usize {
            self.counted
        }

        fn chunk(&self, at: usize) -> &[u8] {
            let end = ((at / self.page + 1) * self.page).min(self.bytes.len());
            self.bytes.get(at..end).unwrap_or(&[])
        }
    }

    const ARGS: &[u8] = b"ls\0-l\0\0A=arg\0";
    const ENV: &[u8] = b"A=1\0AB=2\0\0=x\0novalue\0A=second\0E=\0A\0";
    const BOTH: &[u8] = b"ls\0-l\0\0A=arg\0A=1\0AB=2\0\0=x\0novalue\0A=second\0E=\0A\0";

    fn args(bytes: &'static [u8], page: usize, argc: u32, envc: u32) -> Args<Block> {
        with_name(bytes, bytes.len(), page, argc, envc)
    }

    /// With the file name in the block from `counted` on.
    fn with_name(
        bytes: &'static [u8],
        counted: usize,
        page: usize,
        argc: u32,
        envc: u32,
    ) -> Args<Block> {
        let block = Block {
            bytes,
            counted,
            page,
        };
        static ASKED: Asked = Asked::new();
        Args::with_asked(block, argc, envc, &ASKED)
    }

    macro_rules! name {
        ($name:literal) => {
            &EnvName::new(&mut { *$name })?
        };
    }

    /// Whether a span holds just these bytes.
    fn holds(args: &Args<Block>, span: Result<Span>, bytes: &[u8]) -> bool {
        let Ok(span) = span else {
            return false;
        };
        let mut rest = bytes;
        let mut same = span.len == bytes.len();
        args.pieces(span, |piece| match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => same = false,
        });
        same && rest.is_empty()
    }

    fn errno<T>(result: Result<T>) -> c_int {
        result.err().map_or(0, |e| e.to_errno())
    }

    #[test]
    fn values_are_found_wherever_the_borders_are() -> Result {
        for page in 1..=BOTH.len() + 1 {
            let args = args(BOTH, page, 4, 8);
            assert!(holds(&args, args.env_value(name!(b"A\0"), 0), b"1"));
            assert!(holds(&args, args.env_value(name!(b"A\0"), 1), b"second"));
            assert!(holds(&args, args.env_value(name!(b"AB\0"), 0), b"2"));
            assert!(holds(&args, args.env_value(name!(b"E\0"), 0), b""));
            assert!(holds(&args, args.arg(0), b"ls"));
            assert!(holds(&args, args.arg(2), b""));
            assert!(holds(&args, args.arg(3), b"A=arg"));
            assert!(holds(&args, Ok(args.args_block()), ARGS));
            assert!(holds(&args, Ok(args.env_block()), ENV));
        }
        Ok(())
    }

    #[test]
    fn only_definitions_of_exactly_this_name_count() -> Result {
        let args = args(BOTH, 7, 4, 8);
        assert_eq!(args.count_env(name!(b"A\0")), 2);
        assert_eq!(args.count_env(name!(b"AB\0")), 1);
        assert_eq!(args.count_env(name!(b"novalue\0")), 0);
        assert_eq!(errno(args.env_value(name!(b"A\0"), 2)), -2);
        assert_eq!(errno(args.env_value(name!(b"B\0"), 0)), -2);
        Ok(())
    }

    #[test]
    fn an_offset_leads_to_the_value() -> Result {
        let args = args(BOTH, 5, 4, 8);
        let value = args.env_value(name!(b"A\0"), 1)?;
        let rest = args.env_block().from(args.env_offset(value))?;
        assert!(holds(&args, Ok(rest.first(6)), b"second"));
        Ok(())
    }

    #[test]
    fn a_block_is_read_from_its_beginning_to_its_end() -> Result {
        let args = args(BOTH, 4096, 4, 8);
        let block = args.env_block();
        assert_eq!(block.from(ENV.len())?.len, 0);
        assert_eq!(errno(block.from(ENV.len() + 1)), -22);
        assert_eq!(errno(args.arg(4)), -2);
        Ok(())
    }

    #[test]
    fn the_environment_is_all_that_follows_the_arguments() -> Result {
        // Fewer strings than were counted, and more.
        for envc in [0, 7, 9, u32::MAX] {
            let args = args(BOTH, 8, 4, envc);
            assert!(args.is_torn());
            assert_eq!(args.count_env(name!(b"A\0")), 2);
            assert!(holds(&args, args.env_value(name!(b"A\0"), 1), b"second"));
            assert!(holds(&args, Ok(args.env_block()), ENV));
        }
        assert!(!args(BOTH, 8, 4, 8).is_torn());
        Ok(())
    }

    #[test]
    fn the_arguments_are_the_first_strings_or_as_many_as_there_are() -> Result {
        let more = args(BOTH, 8, 5, 8);
        assert!(more.is_torn());
        assert!(holds(&more, more.arg(4), b"A=1"));
        assert_eq!(more.count_env(name!(b"A\0")), 1);

        let all = args(b"a\0A=1\0", 8, u32::MAX, u32::MAX);
        assert!(all.is_torn());
        assert!(holds(&all, all.arg(1), b"A=1"));
        assert_eq!(errno(all.arg(2)), -2);
        assert_eq!(all.count_env(name!(b"A\0")), 0);
        assert_eq!(all.env_block().len, 0);
        Ok(())
    }

    #[test]
    fn a_string_without_a_nul_ends_with_the_block() -> Result {
        for page in 1..=6 {
            let env = args(b"a\0A=12", page, 1, 1);
            assert!(env.is_torn());
            assert!(holds(&env, env.env_value(name!(b"A\0"), 0), b"12"));
            assert!(holds(&env, Ok(env.env_block()), b"A=12"));

            let arg = args(b"a\0bc", page, 2, 0);
            assert!(arg.is_torn());
            assert!(holds(&arg, arg.arg(1), b"bc"));
            assert_eq!(arg.env_block().len, 0);
        }
        assert!(args(b"", 8, 1, 0).is_torn());
        assert_eq!(errno(args(b"", 8, 1, 0).arg(0)), -2);
        Ok(())
    }

    #[test]
    fn the_file_name_is_read_where_strings_are_missing() -> Result {
        const STACK: &[u8] = b"a\0V=1\0A=path\0";
        for page in 1..=STACK.len() {
            let whole = with_name(STACK, 6, page, 1, 1);
            assert!(!whole.is_torn());
            assert_eq!(whole.count_env(name!(b"A\0")), 0);
            assert!(holds(&whole, Ok(whole.env_block()), b"V=1\0"));

            let missing = with_name(STACK, 6, page, 1, 2);
            assert!(missing.is_torn());
            assert!(holds(
                &missing,
                missing.env_value(name!(b"A\0"), 0),
                b"path"
            ));
            assert!(holds(&missing, Ok(missing.env_block()), b"V=1\0A=path\0"));

            let run_together = with_name(b"a\0V=1A=path\0", 5, page, 1, 1);
            assert!(run_together.is_torn());
            assert!(holds(
                &run_together,
                run_together.env_value(name!(b"V\0"), 0),
                b"1A=path"
            ));

            // Of more strings than were counted none is the file name.
            let more = with_name(STACK, 6, page, 1, 0);
            assert!(more.is_torn());
            assert!(holds(&more, Ok(more.env_block()), b"V=1\0"));
        }
        Ok(())
    }

    #[test]
    fn the_order_of_questions_does_not_matter() -> Result {
        let args = args(BOTH, 3, 4, 8);
        let (mut a, mut ab) = (*b"A\0", *b"AB\0");
        let (a, ab) = (EnvName::new(&mut a)?, EnvName::new(&mut ab)?);
        for (n, value) in [
            (3, &b"A=arg"[..]),
            (1, b"-l"),
            (1, b"-l"),
            (2, b""),
            (0, b"ls"),
        ] {
            assert!(holds(&args, args.arg(n), value));
        }
        assert!(holds(&args, args.env_value(&a, 1), b"second"));
        assert!(holds(&args, args.env_value(&ab, 0), b"2"));
        assert_eq!(errno(args.env_value(&ab, 1)), -2);
        assert!(holds(&args, args.env_value(&a, 0), b"1"));
        assert_eq!(errno(args.env_value(&a, 2)), -2);
        assert!(holds(&args, args.env_value(&a, 1), b"second"));
        Ok(())
    }

    #[test]
    fn what_was_asked_for_before_is_found_as_well() -> Result {
        const VARS: &[u8] = b"a\0PATH=1\0LD_PATH=2\0\0PATH=3\0PATHS=4\0PATH\0PATH=\0";
        for page in 1..=VARS.len() {
            static ASKED: Asked = Asked::new();
            // The first time it is looked for, then it is known.
            for _ in 0..2 {
                let block = Block {
                    bytes: VARS,
                    counted: VARS.len(),
                    page,
                };
                let args = Args::with_asked(block, 1, 7, &ASKED);
                assert!(!args.is_torn());
                assert_eq!(args.count_env(name!(b"PATH\0")), 3);
                assert_eq!(args.count_env(name!(b"PATHS\0")), 1);
                assert_eq!(args.count_env(name!(b"PAT\0")), 0);
                assert!(holds(&args, args.env_value(name!(b"PATH\0"), 2), b""));
                assert!(holds(&args, args.env_value(name!(b"PATH\0"), 0), b"1"));
                assert!(holds(&args, args.env_value(name!(b"PATH\0"), 1), b"3"));
                assert_eq!(errno(args.env_value(name!(b"PATH\0"), 3)), -2);
            }
            assert!(ASKED.beginnings().has(*b"PATH"));
        }
        Ok(())
    }

    #[test]
    fn of_many_definitions_none_is_missed() -> Result {
        const MANY: &[u8] = b"a\0X=\0X=\0X=\0NAME=0\0NAME=1\0NAME=2\0NAME=3\0NAME=4\0NAME=5\0\
            NAME=6\0NAME=7\0NAME=8\0NAME=9\0";
        for page in [3, 16, MANY.len()] {
            for _ in 0..2 {
                let args = args(MANY, page, 1, 13);
                assert!(!args.is_torn());
                assert_eq!(args.count_env(name!(b"NAME\0")), 10);
                assert!(holds(&args, args.env_value(name!(b"NAME\0"), 9), b"9"));
                assert!(holds(&args, args.env_value(name!(b"NAME\0"), 0), b"0"));
            }
        }
        Ok(())
    }

    #[test]
    fn runs_of_nuls_are_empty_strings() -> Result {
        const EMPTY: &[u8] = &[0; 200];
        for page in [1, 8, 17, 64, 200] {
            let args = args(EMPTY, page, 77, 123);
            assert!(!args.is_torn());
            assert_eq!(args.args_block().len, 77);
            assert!(holds(&args, args.arg(76), b""));
            assert_eq!(errno(args.arg(77)), -2);
            assert_eq!(args.count_env(name!(b"A\0")), 0);
        }
        Ok(())
    }

    #[test]
    fn an_empty_environment_defines_nothing() -> Result {
        let args = args(b"a\0", 4096, 1, 0);
        assert_eq!(args.count_env(name!(b"A\0")), 0);
        assert_eq!(args.env_block().len, 0);
        Ok(())
    }
}
