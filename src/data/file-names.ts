/** What files are, by their names. */
import { parse } from "node:path";

const PHOTO = "\\.(?:jpe?g|png|webp|tiff?|avif)";
const ENDS_AS_PHOTO = new RegExp(`${PHOTO}$`, "i");
const ENDS_AS_LABELS = /\.(?:png|mat)$/i;
const PATHS = new RegExp(`^(.+${PHOTO})\\s+(.+)$`, "i");

/** Not what is hidden: macOS puts a `._a.jpg`, which is no photo, beside each `a.jpg` on disks of other systems. */
const isHidden = (file: string): boolean => file.startsWith(".");
export const isPhoto = (file: string): boolean => ENDS_AS_PHOTO.test(file) && !isHidden(file);
export const isLabels = (file: string): boolean => ENDS_AS_LABELS.test(file) && !isHidden(file);

/** Image and labels, where a line of a list names both; names and paths may have spaces. */
export function pathsOf(line: string): readonly [image: string, labels: string] | null {
  const [, image, labels] = PATHS.exec(line) ?? [];
  return image !== undefined && labels !== undefined ? [image, labels] : null;
}

/** What a line of a list calls its image: without folders, where it names both files, and without the ending of a photo. */
export function nameOf(line: string): string {
  const paths = pathsOf(line);
  return paths ? parse(paths[0]).name : line.replace(ENDS_AS_PHOTO, "");
}
