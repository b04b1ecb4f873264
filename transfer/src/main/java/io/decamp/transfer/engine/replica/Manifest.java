package io.decamp.transfer.engine.replica;

import com.google.protobuf.ByteString;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.v1.Part;
import io.decamp.contracts.v1.ReplicaReply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** What a sealed epoch is, as its marker file says. A marker appears whole, by renaming. */
record Manifest(long epoch, boolean isFinal, byte[] digest, List<AddressSpace> spaces, List<Part> parts) {
    Manifest {
        spaces = List.copyOf(spaces);
        parts = List.copyOf(parts);
    }

    boolean lists(long space) {
        return spaces.stream().anyMatch(s -> s.id() == space);
    }

    void write(Path marker) throws IOException {
        ReplicaReply.Builder out = ReplicaReply.newBuilder()
                .setEpoch(epoch)
                .setFinal(isFinal)
                .setDigest(ByteString.copyFrom(digest))
                .addAllParts(parts);
        for (AddressSpace space : spaces) {
            out.addSpaces(io.decamp.contracts.v1.AddressSpace.newBuilder()
                    .setId(space.id())
                    .setContainerPid(space.containerPid()));
        }
        Path half = marker.resolveSibling(marker.getFileName() + ".new");
        Files.write(half, out.build().toByteArray());
        Files.move(half, marker, StandardCopyOption.ATOMIC_MOVE);
    }

    static Manifest read(Path marker) throws IOException {
        ReplicaReply in = ReplicaReply.parseFrom(Files.readAllBytes(marker));
        return new Manifest(
                in.getEpoch(),
                in.getFinal(),
                in.getDigest().toByteArray(),
                in.getSpacesList().stream()
                        .map(s -> new AddressSpace(s.getId(), s.getContainerPid()))
                        .toList(),
                in.getPartsList());
    }
}
