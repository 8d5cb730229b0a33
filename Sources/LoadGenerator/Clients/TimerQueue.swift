import HeapModule
import NIOCore

/// The target of a ``TimerQueue``; a call may be for a time that no longer matters to it.
protocol TimerTarget: AnyObject {
    func timeReached(_ now: NIODeadline)
}

/// The timers of one event loop: a heap and one scheduled task, so that ten thousand clients need one task.
final class TimerQueue {
    /// A call, and when it is due.
    private struct Entry: Comparable {
        let deadline: NIODeadline
        let target: any TimerTarget

        static func < (lhs: Self, rhs: Self) -> Bool { lhs.deadline < rhs.deadline }
        static func == (lhs: Self, rhs: Self) -> Bool { lhs.deadline == rhs.deadline }
    }

    private let eventLoop: any EventLoop
    private var entries = Heap<Entry>()
    private var task: (deadline: NIODeadline, scheduled: Scheduled<Void>)?
    private var isFiring = false

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func wake(_ target: any TimerTarget, at deadline: NIODeadline) {
        entries.insert(Entry(deadline: deadline, target: target))
        if !isFiring { arm() }
    }

    func cancelAll() {
        entries = Heap()
        task?.scheduled.cancel()
        task = nil
    }

    private func arm() {
        guard let next = entries.min?.deadline else { return }
        if let task {
            guard next < task.deadline else { return }
            task.scheduled.cancel()
        }
        let scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.fire() }
        task = (next, scheduled)
    }

    private func fire() {
        task = nil
        isFiring = true
        let now = NIODeadline.now()
        while let next = entries.min, next.deadline <= now {
            entries.removeMin()
            next.target.timeReached(now)
        }
        isFiring = false
        arm()
    }
}
