// A checked longjmp takes the stack of another fiber for an error.
#undef _FORTIFY_SOURCE

#include "block.h"

#include <cstring>
#include <map>

namespace gpux_host {
namespace {

// Kernels hold their registers on the stack, a few hundred bytes, and call into libm at most.
constexpr size_t STACK_BYTES = 64 << 10;

thread_local Block *running_block = nullptr;

std::string named(uint3 index) {
    return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

}  // namespace

Block &block() { return *running_block; }

uint64_t Random::next() {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

// Until the wait that covers a copy its target holds anything. So it is poisoned at once and copied at the wait: who
// still reads the old bytes is found, and who reads the new ones too early.
void Copies::issue(void *to, const void *from, Random &random) {
    const uint64_t poison[2] = {random.next(), random.next()};
    memcpy(to, poison, sizeof poison);
    groups.back().push_back({to, from});
}

void Copies::wait(size_t groups_pending) {
    while (groups.size() - 1 > groups_pending) {
        for (const Copy &copy : groups.front()) memcpy(copy.to, copy.from, 16);
        groups.erase(groups.begin());
    }
}

Block::Block(uint3 grid, uint3 size, Kernel kernel, void **arguments, uint64_t seed)
    : grid(grid), size(size), random(seed), kernel(kernel), arguments(arguments) {
    threads.resize(size_t(size.x) * size.y * size.z);
    // Left as it is: zeroing them would take longer than many a launch.
    stacks.reset(new char[threads.size() * STACK_BYTES]);
}

void Block::enter() {
    block().kernel(block().arguments);
    block().wait(Thread::State::ENDED);
}

void Block::begin() {
    poison_shared(random);
    running_block = this;
    at_barrier = 0;
    patience = uint64_t(1) << random.below(12);
    for (unsigned at = 0; at < threads.size(); ++at) {
        Thread &thread = threads[at];
        thread = Thread{};
        thread.index = {at % size.x, at / size.x % size.y, at / size.x / size.y};
        getcontext(&thread.beginning);
        thread.beginning.uc_stack.ss_sp = stacks.get() + at * STACK_BYTES;
        thread.beginning.uc_stack.ss_size = STACK_BYTES;
        makecontext(&thread.beginning, &Block::enter, 0);
    }
}

Outcome Block::run(uint3 which) {
    index = which;
    begin();
    while (outcome == Outcome::DONE && pick()) resume();
    if (outcome == Outcome::DONE) {
        for (const Thread &thread : threads) {
            if (thread.state == Thread::State::ENDED) continue;
            outcome = Outcome::FAULT;
            message = "block " + named(index) + ": no thread can go on: " + where_all_are();
            break;
        }
    }
    return outcome;
}

// Runs the current thread until it waits. Contexts are for the first step only: with each switch they would set the
// signal mask, which takes ten times as long as the switch itself.
void Block::resume() {
    if (_setjmp(scheduler) != 0) return;
    if (current().begun) _longjmp(current().rest, 1);
    current().begun = true;
    setcontext(&current().beginning);
}

// Draws who goes on. Mostly a lane of the same warp, so that a warp runs ahead of the others as far as it can.
bool Block::pick() {
    const unsigned warps = (threads.size() + WARP_LANES - 1) / WARP_LANES;
    unsigned warp = running / WARP_LANES;
    if (random.below(patience) == 0) warp = random.below(warps);
    for (unsigned tried = 0; tried < warps; ++tried, warp = (warp + 1) % warps) {
        if (pick_of_warp(warp)) return true;
    }
    return false;
}

bool Block::pick_of_warp(unsigned warp) {
    const unsigned first = warp * WARP_LANES;
    const unsigned turn = random.below(WARP_LANES);
    for (unsigned i = 0; i < WARP_LANES; ++i) {
        const unsigned at = first + (i + turn) % WARP_LANES;
        if (at >= threads.size() || threads[at].state != Thread::State::RUNNABLE) continue;
        running = at;
        return true;
    }
    return false;
}

void Block::wait(Thread::State state) {
    current().state = state;
    if (_setjmp(current().rest) == 0) _longjmp(scheduler, 1);
}

void Block::fail(Outcome why, const std::string &what) {
    outcome = why;
    message = "block " + named(index) + ", thread " + named(current().index) + ": " + what;
    for (;;) wait(Thread::State::ENDED);
}

void Block::check_meeting(const Thread &other, const Meeting &meeting) {
    if (other.state == Thread::State::ENDED) {
        fail(Outcome::FAULT, std::string(meeting.name) + " names thread " + named(other.index) + ", which has ended");
    }
    if (other.state != Thread::State::IN_MEETING) return;
    if (strcmp(other.meeting.name, meeting.name) != 0 || other.meeting.mask != meeting.mask) {
        fail(Outcome::FAULT, std::string(meeting.name) + ", while thread " + named(other.index) +
                                 " of the warp is at " + other.meeting.name + ", or their masks differ");
    }
}

void Block::meet(const Meeting &meeting, Perform perform) {
    Thread &own = current();
    if (!(meeting.mask >> lane() & 1)) fail(Outcome::FAULT, std::string(meeting.name) + " without itself in its mask");
    own.meeting = meeting;
    const unsigned first = running - lane();
    void *registers[WARP_LANES] = {};
    registers[lane()] = meeting.registers;
    bool complete = true;
    for (unsigned other = 0; other < WARP_LANES; ++other) {
        if (!(meeting.mask >> other & 1) || other == lane()) continue;
        // A warp that the block's size cuts short has no such lanes.
        if (first + other >= threads.size()) fail(Outcome::FAULT, std::string(meeting.name) + " names a missing lane");
        const Thread &thread = threads[first + other];
        check_meeting(thread, meeting);
        complete &= thread.state == Thread::State::IN_MEETING;
        registers[other] = thread.meeting.registers;
    }
    if (!complete) return wait(Thread::State::IN_MEETING);
    perform(registers, meeting.mask);
    for (unsigned other = 0; other < WARP_LANES; ++other) {
        if (meeting.mask >> other & 1) threads[first + other].state = Thread::State::RUNNABLE;
    }
    wait(Thread::State::RUNNABLE);
}

void Block::barrier(const char *place) {
    current().barrier = place;
    current().state = Thread::State::AT_BARRIER;
    if (++at_barrier == threads.size()) open_barrier();
    wait(current().state);
}

void Block::open_barrier() {
    at_barrier = 0;
    for (Thread &thread : threads) {
        if (strcmp(thread.barrier, current().barrier) != 0) {
            fail(Outcome::FAULT, "threads meet at different barriers: " + where_all_are());
        }
    }
    for (Thread &thread : threads) thread.state = Thread::State::RUNNABLE;
}

std::string Block::where_all_are() const {
    std::map<std::string, unsigned> counts;
    for (const Thread &thread : threads) {
        switch (thread.state) {
        case Thread::State::RUNNABLE: ++counts["running"]; break;
        case Thread::State::IN_MEETING: ++counts[std::string("at ") + thread.meeting.name]; break;
        case Thread::State::AT_BARRIER: ++counts[std::string("at the barrier of ") + thread.barrier]; break;
        case Thread::State::ENDED: ++counts["ended"]; break;
        }
    }
    std::string text;
    for (const auto &[where, count] : counts) {
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + where;
    }
    return text;
}

}  // namespace gpux_host
