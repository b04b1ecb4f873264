package io.decamp.introspector.engine.vm.files;

import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;

/** The same with kernel 6.12, where owners, locks, times and fragments are kept otherwise. */
class OpenFilesOfNewerKernelTest extends OpenFilesTest {
    @Override
    GuestSpec spec() {
        return super.spec().withKernel(GuestImage.Kernel.NEWER);
    }
}
