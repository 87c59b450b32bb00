//! From the small language to bytecode.

use gil::interpreter::{Function, Native, Op, Program};

use crate::language::{DEPTH, Expr, GLOBALS, LOCALS, Source, Statement};

pub(crate) fn compile(source: &Source) -> Program {
    let function = |name: &str, parameters, (body, result): &(Vec<Statement>, Expr)| {
        let mut code = Vec::new();
        compile_all(body, 0, &mut code);
        compile_value(result, &mut code);
        code.push(Op::Return);
        Function { name: name.into(), parameters, locals: LOCALS + 1 + DEPTH as usize, code }
    };
    let functions = vec![function("main", 0, &source.main), function("other", 1, &source.other)];
    let triple: Native = std::sync::Arc::new(|x: i64| x.wrapping_mul(3));
    Program::new(functions, GLOBALS, vec![triple]).unwrap()
}

fn compile_all(body: &[Statement], depth: usize, code: &mut Vec<Op>) {
    for statement in body {
        match statement {
            Statement::Local(to, value) => {
                compile_value(value, code);
                code.push(Op::Store(*to));
            }
            Statement::Global(to, value) => {
                compile_value(value, code);
                code.push(Op::Set(*to));
            }
            Statement::If(test, then, or) => {
                compile_value(test, code);
                let unless = code.len();
                code.push(Op::Unless(0));
                compile_all(then, depth, code);
                let jump = code.len();
                code.push(Op::Jump(0));
                code[unless] = Op::Unless(code.len());
                compile_all(or, depth, code);
                code[jump] = Op::Jump(code.len());
            }
            Statement::Repeat(times, body) => {
                let round = LOCALS + depth;
                code.extend([Op::Push(0), Op::Store(round)]);
                let top = code.len();
                code.extend([Op::Load(round), Op::Push(i64::from(*times)), Op::Less]);
                let unless = code.len();
                code.push(Op::Unless(0));
                compile_all(body, depth + 1, code);
                code.extend([Op::Load(round), Op::Push(1), Op::Add, Op::Store(round), Op::JumpBack(top)]);
                code[unless] = Op::Unless(code.len());
            }
        }
    }
}

fn compile_value(expr: &Expr, code: &mut Vec<Op>) {
    match expr {
        Expr::Number(number) => code.push(Op::Push(*number)),
        Expr::Local(local) => code.push(Op::Load(*local)),
        Expr::Global(global) => code.push(Op::Get(*global)),
        Expr::Add(a, b) | Expr::Less(a, b) => {
            compile_value(a, code);
            compile_value(b, code);
            code.push(if matches!(expr, Expr::Add(..)) { Op::Add } else { Op::Less });
        }
        Expr::Call(argument) => {
            compile_value(argument, code);
            code.push(Op::Call(1));
        }
        Expr::Native(argument, keeps_lock) => {
            compile_value(argument, code);
            code.push(Op::Native { function: 0, keeps_lock: *keeps_lock });
        }
    }
}
