#include "local/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace local {

namespace {

struct Pipe {
  base::Fd read;
  base::Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {base::Fd(ends[0]), base::Fd(ends[1])};
}

// What the child needs, made before fork(): afterwards only async-signal-safe calls are allowed.
struct Call {
  std::vector<char*> argv;
  std::array<char*, 3> environment;
  const char* root = nullptr;
  int input = -1;
  int output = -1;
  int errors = -1;
  int failure = -1;
};

[[noreturn]] void become(const Call& call) {
  ::setpgid(0, 0);
  // Threads of this program block signals, and it ignores SIGPIPE; both would be inherited.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &usual, nullptr);
  bool ready = (call.root == nullptr || ::chroot(call.root) == 0) && ::chdir("/") == 0 &&
               ::dup2(call.input, STDIN_FILENO) >= 0 && ::dup2(call.output, STDOUT_FILENO) >= 0 &&
               ::dup2(call.errors, STDERR_FILENO) >= 0;
  if (ready) ::execve(call.argv.front(), call.argv.data(), call.environment.data());
  const int error = errno;
  // The parent reads end of file if the program could be started.
  static_cast<void>(!::write(call.failure, &error, sizeof error));
  ::_exit(127);
}

// Reads both streams until their ends or the deadline; false at the deadline.
bool drain(std::array<base::Fd, 2>& from, std::array<std::string*, 2> into,
           base::SteadyTime deadline) {
  std::array<char, 16384> buffer;
  while (from[0].valid() || from[1].valid()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> waiting{pollfd{from[0].get(), POLLIN, 0},
                                  pollfd{from[1].get(), POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) < 0) continue;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const auto count = ::read(from[i].get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        from[i].reset();
        continue;
      }
      // What is over the limit is read all the same, or the program would wait for a reader.
      auto& text = *into[i];
      text.append(buffer.data(), std::min(Host::kProgramOutputLimit - text.size(),
                                          static_cast<std::size_t>(count)));
    }
  }
  return true;
}

// Waits for the child until the deadline, then kills its group. A child that has closed its output
// may still run.
int reap(pid_t child, base::SteadyTime deadline, bool& timed_out) {
  int status = 0;
  while (!timed_out) {
    const auto ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) break;
    if (std::chrono::steady_clock::now() >= deadline) {
      timed_out = true;
    } else {
      ::poll(nullptr, 0, 1);
    }
  }
  // Also what the program itself has left running in the background.
  ::kill(-child, SIGKILL);
  if (timed_out) {
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  return status;
}

}  // namespace

ProgramEnd run_program(const ProgramRun& program, const std::string& root) {
  ProgramEnd end;
  const auto deadline = std::chrono::steady_clock::now() + program.deadline;
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string locale = "LC_ALL=C";
  auto words = program.argv;
  Call call;
  for (auto& word : words) call.argv.push_back(word.data());
  call.argv.push_back(nullptr);
  call.environment = {path.data(), locale.data(), nullptr};
  if (!root.empty()) call.root = root.c_str();
  const base::Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto out = make_pipe();
  auto err = make_pipe();
  auto failure = make_pipe();
  if (!input.valid() || !out.read.valid() || !err.read.valid() || !failure.read.valid()) {
    end.error = errno;
    return end;
  }
  call.input = input.get();
  call.output = out.write.get();
  call.errors = err.write.get();
  call.failure = failure.write.get();

  const pid_t child = ::fork();
  if (child < 0) {
    end.error = errno;
    return end;
  }
  if (child == 0) become(call);
  ::setpgid(child, child);  // whichever of the two comes first
  out.write.reset();
  err.write.reset();
  failure.write.reset();
  if (::read(failure.read.get(), &end.error, sizeof end.error) != sizeof end.error) end.error = 0;
  std::array<base::Fd, 2> streams{std::move(out.read), std::move(err.read)};
  end.timed_out = !drain(streams, {&end.out, &end.err}, deadline);
  const int status = reap(child, deadline, end.timed_out);
  if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace local
