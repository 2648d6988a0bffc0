import backpack from "../../pictures/backpack.svg"
import coffee from "../../pictures/coffee.svg"
import lamp from "../../pictures/lamp.svg"
import mug from "../../pictures/mug.svg"
import notebook from "../../pictures/notebook.svg"
import parcel from "../../pictures/parcel.svg"
import pen from "../../pictures/pen.svg"
import plant from "../../pictures/plant.svg"
import poster from "../../pictures/poster.svg"
import sticker from "../../pictures/sticker.svg"
import teapot from "../../pictures/teapot.svg"

const PICTURES: Record<string, string> = {
  "Stoneware mug": mug,
  "Dotted notebook": notebook,
  "Desk lamp": lamp,
  "Canvas backpack": backpack,
  "Fountain pen": pen,
  "Pothos in a pot": plant,
  "Poster: HTTP status codes": poster,
  "One sticker": sticker,
  "Cast-iron teapot (Japan)": teapot,
  "Coffee set (Kuwait)": coffee,
}

/** The picture of a product by its name; a parcel for those that came later. */
export const pictureOf = (name: string): string => PICTURES[name] ?? parcel
