package processor

import "syscall"

// endWithWorker has the kernel kill the program when the worker dies: nobody
// would take its result any more.
func endWithWorker(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
