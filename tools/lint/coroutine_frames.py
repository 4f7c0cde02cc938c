#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds coroutines whose frame the compiler laid out wrongly (g++ 12 does so where an operand of `co_await` has a
class-type temporary and a loop awaits elsewhere too): they crash or hang when resumed. A frame begins with two pointers,
resume and destroy; in a wrong one they are stored 8 bytes further on. Reads unoptimised object files (the dev preset's).

Usage: coroutine_frames.py BUILD_FOLDER...   prints each wrong coroutine, exits 1 if there is any
       coroutine_frames.py --self-test       compiles a coroutine that g++ 12 lays out wrongly and expects to find it"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
STORE = re.compile(r"mov\s+%rdx,(0x[0-9a-f]+)?\(%rax\)")

SAMPLE = """
#include <coroutine>
struct task {
  struct promise_type {
    task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  bool await_resume() { return true; }
};
struct text { text(); text(const text&); ~text(); int size() const; };
task wait(text t);
task stopped();
bool full(int);
void post(text);
task f(text m) {
  while (full(m.size())) {
    co_await wait(m);
    if (co_await stopped()) co_return;
  }
  post(m);
}
"""


def wrong_coroutines(path):
    """Names of the functions of an object file, templates left out, that store resume and destroy at 8 and 16 of a new
    frame."""
    listing = subprocess.run(["objdump", "-d", "-j", ".text", "--no-show-raw-insn", path], capture_output=True, text=True, check=True)
    found, function, stores, address_taken = [], None, [], False
    for line in listing.stdout.splitlines():
        name = FUNCTION.match(line)
        if name:
            function, stores, address_taken = name[1], [], False
        elif "(%rip),%rdx" in line and "lea" in line:
            address_taken = True
        else:
            store = STORE.search(line) if address_taken else None
            address_taken = False
            if store:
                stores.append(store[1] or "0x0")
                if stores == ["0x8", "0x10"]:
                    found.append(function)
    return found


def has_coroutines(path):
    with open(path, "rb") as file:
        return b".Frame.actor" in file.read()


def demangled(name):
    return subprocess.run(["c++filt", name], capture_output=True, text=True, check=True).stdout.strip()


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        source, built = os.path.join(folder, "sample.cpp"), os.path.join(folder, "sample.o")
        pathlib.Path(source).write_text(SAMPLE, encoding="utf-8")
        subprocess.run(["g++", "-std=c++20", "-O0", "-fPIC", "-c", source, "-o", built], check=True)
        if not has_coroutines(built) or not wrong_coroutines(built):
            sys.exit("coroutine_frames: the sample was not found: either this g++ is cured (then this check can go), or "
                     "the check is blind")
    print("coroutine frames: the sample is found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    objects = [str(p) for folder in sys.argv[1:] for p in sorted(pathlib.Path(folder).rglob("*.o")) if has_coroutines(p)]
    if not objects:
        sys.exit("coroutine_frames: no object file with a coroutine was found")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [(path, name) for path, names in zip(objects, pool.map(wrong_coroutines, objects)) for name in names]
    for path, name in wrong:
        print(f"{path}: {demangled(name)}\n  is laid out wrongly by this compiler: give the operands of its co_await names")
    print(f"coroutine frames: {len(objects)} object files, {len(wrong)} wrong coroutines")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
