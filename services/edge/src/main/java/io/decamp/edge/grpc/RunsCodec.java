package io.decamp.edge.grpc;

import com.google.protobuf.ByteString;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.v1.Runs;
import java.util.List;

/** Between the lists that engines use and the messages that carry them. */
public final class RunsCodec {
    private RunsCodec() {}

    public static Runs toMessage(PageRuns runs) {
        Runs.Builder b = Runs.newBuilder();
        byte[] sources = new byte[runs.size()];
        for (int i = 0; i < runs.size(); i++) {
            b.addSpace(runs.space(i)).addAddress(runs.address(i)).addPages(runs.pages(i));
            sources[i] = (byte) runs.source(i).code();
            if (runs.source(i) == PageSource.SAME_AS) {
                b.addSameAsSpace(runs.sameAs(i));
            }
        }
        return b.setSource(ByteString.copyFrom(sources)).build();
    }

    public static PageRuns fromMessage(Runs m) {
        int n = m.getSpaceCount();
        if (m.getAddressCount() != n || m.getPagesCount() != n || m.getSource().size() != n) {
            throw malformed("arrays of different length");
        }
        PageRuns runs = new PageRuns();
        int sameAs = 0;
        for (int i = 0; i < n; i++) {
            PageSource source = PageSource.ofCode(m.getSource().byteAt(i));
            if (source == null) {
                throw malformed("unknown page source " + m.getSource().byteAt(i));
            }
            long other = 0;
            if (source == PageSource.SAME_AS) {
                if (sameAs == m.getSameAsSpaceCount()) {
                    throw malformed("a SAME_AS run without its space");
                }
                other = m.getSameAsSpace(sameAs++);
            }
            if (m.getPages(i) <= 0 || m.getAddress(i) < 0 || m.getAddress(i) % PageRuns.PAGE_BYTES != 0) {
                throw malformed("a run of " + m.getPages(i) + " pages at 0x" + Long.toHexString(m.getAddress(i)));
            }
            runs.add(m.getSpace(i), m.getAddress(i), m.getPages(i), source, other);
        }
        return runs;
    }

    public static List<io.decamp.contracts.v1.AddressSpace> toMessages(List<AddressSpace> spaces) {
        return spaces.stream()
                .map(s -> io.decamp.contracts.v1.AddressSpace.newBuilder()
                        .setId(s.id())
                        .setContainerPid(s.containerPid())
                        .build())
                .toList();
    }

    public static List<AddressSpace> fromMessages(List<io.decamp.contracts.v1.AddressSpace> spaces) {
        return spaces.stream()
                .map(s -> new AddressSpace(s.getId(), s.getContainerPid()))
                .toList();
    }

    private static DecampException malformed(String what) {
        return DecampException.refused(
                "malformed-runs", "Message Runs with " + what, "Run services of the same version on a node");
    }
}
