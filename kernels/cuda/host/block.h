// Threads of a block as fibers of one thread of the host, and where they meet.
//
// A fiber runs until it has to wait for others; which one goes on is drawn from a seed. A meeting that can never be
// complete (a barrier in a branch, a collective that a lane misses) ends the launch with a message.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct uint3 {
    unsigned x, y, z;
};

namespace gpux_host {

constexpr unsigned WARP_LANES = 32;
constexpr unsigned WHOLE_WARP = 0xFFFFFFFF;

// How a launch ended; gpux_host_launch returns it.
enum class Outcome : int {
    DONE = 0,
    UNKNOWN_KERNEL = 1,
    BAD_DIMENSIONS = 2,
    // The kernel did what the language leaves undefined.
    FAULT = 3,
    // A sum in single precision could have been rounded.
    INEXACT = 4,
};

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
class Random {
public:
    explicit Random(uint64_t seed) : state(seed) {}
    uint64_t next();
    uint64_t below(uint64_t bound) { return next() % bound; }

private:
    uint64_t state;
};

// Copies that a thread has issued and not yet waited for, oldest group first; the last group is still open.
class Copies {
public:
    void issue(void *to, const void *from, Random &random);
    void commit() { groups.emplace_back(); }
    void wait(size_t groups_pending);

private:
    struct Copy {
        void *to;
        const void *from;
    };
    std::vector<std::vector<Copy>> groups = std::vector<std::vector<Copy>>(1);
};

// What a lane does in a warp's meeting: the instruction, for which lanes, and its own registers.
struct Meeting {
    const char *name;
    unsigned mask;
    void *registers;
};

// Does the instruction for all lanes at once; indexed by lane, only lanes of the mask are present.
using Perform = void (*)(void *const *registers, unsigned mask);

struct Thread {
    enum class State { RUNNABLE, IN_MEETING, AT_BARRIER, ENDED };

    // Where it begins, and where it goes on.
    ucontext_t beginning;
    jmp_buf rest;
    bool begun;
    uint3 index;
    State state;
    Meeting meeting;
    // Source line of the barrier at which it waits.
    const char *barrier;
    Copies copies;
};

// What every thread calls: the kernel with its arguments.
using Kernel = void (*)(void **arguments);

class Block {
public:
    Block(uint3 grid, uint3 size, Kernel kernel, void **arguments, uint64_t seed);

    // Runs one block to its end, or until it fails; says which.
    Outcome run(uint3 index);

    const uint3 grid, size;
    uint3 index{};
    std::string message;
    Random random;

    Thread &current() { return threads[running]; }
    unsigned lane() const { return running % WARP_LANES; }
    void meet(const Meeting &meeting, Perform perform);
    void barrier(const char *place);
    // Ends the launch from inside a thread.
    [[noreturn]] void fail(Outcome why, const std::string &what);

private:
    static void enter();
    void begin();
    void resume();
    bool pick();
    bool pick_of_warp(unsigned warp);
    void wait(Thread::State state);
    void check_meeting(const Thread &other, const Meeting &meeting);
    void open_barrier();
    std::string where_all_are() const;

    const Kernel kernel;
    void **const arguments;
    std::vector<Thread> threads;
    std::unique_ptr<char[]> stacks;
    jmp_buf scheduler;
    unsigned running = 0;
    unsigned at_barrier = 0;
    // A warp goes on until it waits, or until one of this many draws changes it.
    uint64_t patience = 1;
    Outcome outcome = Outcome::DONE;
};

// The block that this thread of the host runs.
Block &block();

// Fills the __shared__ variables of all kernels with what a block before may have left.
void poison_shared(Random &random);

}  // namespace gpux_host
