# ruff: noqa: E501, RUF001 (Chinese has its own commas, and a paragraph is a line)
"""The summary of the page in Chinese."""

from collections.abc import Callable
from dataclasses import replace

from ppgan_lite.report.groups import Section
from ppgan_lite.report.likelihood import likelihoods
from ppgan_lite.report.markdown import SPACE
from ppgan_lite.report.names import Name
from ppgan_lite.report.ranking import MARK, TIMES, WIDE, Words, notes, rank
from ppgan_lite.report.records import TRANSLATORS
from ppgan_lite.report.translators import translations
from ppgan_lite.runs.results import INPUT, MEAN

HEAD = """\
# 结果

本页是[英文结果页]({page})的摘要，由 `tools/report.py` 根据训练记录生成，请勿手工修改。

每个数据集一张表，最好的排在最前；评测协议见英文页的 All metrics。Frechet 距离衡量生成图片与测试图片在分类器特征空间中的差别，越小越好；覆盖率是附近有生成图片的测试图片所占的比例，越大越好。不同数据集的 Frechet 距离不可比较。

真实图片一行是训练图片的数值，即理想生成器能达到的水平。多个种子时给出平均值（最小值到最大值）。与公布数值的对照、我们自己的目标、消融实验和失败记录、全部指标都在[英文结果页]({page})中。"""
CHINESE = Words(
    generators="{} 上的生成器",
    classifiers="{} 上的分类器",
    translators="{} 上的图像翻译",
    how_to_translate="L1（像素取值 -1 到 1）、PSNR（dB）和 SSIM 把翻译结果与测试图片对中的真实图片比较；Frechet 距离和核距离在特征空间中与该域的全部测试图片比较；循环 L1 比较原图与往返翻译后的图片。标签准确率：用真实照片训练的分割网络在翻译结果中找回的标签图像素比例。属性达成率：用真实图片训练的分类器在翻译结果中认出所求属性的比例。“复制输入”是以输入代替翻译结果，“平均图片”是训练图片的平均：翻译器应当优于两者。图中依次为输入、翻译结果，以及真实图片或往返结果；属性翻译则每个属性一列。",
    directions={"a_to_b": "从 a 到 b：", "b_to_a": "从 b 到 a："},
    metrics={
        "frechet_distance": "Frechet 距离",
        "kernel_distance": "核距离",
        "cycle_l1": "循环 L1",
        "label_accuracy": "标签准确率",
        "attribute_reached": "属性达成率",
        "attributes_kept": "其他属性保持率",
    },
    baselines={INPUT: "复制输入", MEAN: "平均图片"},
    generator_heads=(
        f"{WIDE}样&NoBreak;本{WIDE}",
        "配置",
        "Frechet 距离",
        "覆盖率",
        f"步数{TIMES}批大小",
        "用时",
        "种子",
        "健康状况",
    ),
    classifier_heads=("配置", "测试准确率", "训练准确率", f"步数{TIMES}批大小", "用时", "种子"),
    translator_heads=("图片", "配置", f"步数{TIMES}批大小", "用时", "种子", "健康状况"),
    likelihood="{} 上的似然",
    how_likely="每维比特数：模型无损压缩时，测试图片的一个数值平均所需的比特数，越小越好，8 表示模型一无所知。nat：整张黑白图片的同一指标，1 nat 约为 1.44 比特。“bound”是下界，模型只会更好。与文献数值的对照见英文页。",
    likelihood_metrics={"bits_per_dim": "每维比特数", "nats": "nat"},
    likelihood_heads=("配置", "训练图片", "测量方式", f"步数{TIMES}批大小", "用时", "种子"),
    samples="{} 的样本，第 {:,} 步",
    budget="预算：{:,} 步{}。",
    time_budget="预算：{}～{}{}。",
    machines="，{}",
    threads="{}，{} 线程",
    separator="；",
    others="其他步数：",
    real="真实图片",
    ok="正常",
    not_watched="未监测",
    some_seeds="{}（{}/{} 个种子）",
    failures="#failures",
    note=lambda _: f"{MARK}：由较早的版本测得，取自保存的记录。",
    units=(f"{SPACE}秒", f"{SPACE}分", f"{SPACE}小时 ", f"{SPACE}分"),
)


def render_chinese(page: str, sections: list[Section], link: Callable[[Name], str]) -> str:
    """The text of the summary in Chinese.

    Args:
        page: file name of the whole page.
    """
    words = replace(CHINESE, failures=f"{page}#failures")
    translators = [section for section in sections if section.kind == TRANSLATORS]
    others = [section for section in sections if section.kind != TRANSLATORS]
    blocks = notes(sections, words) + [block for section in others for block in rank(section, words, link)]
    blocks += translations(translators, words, link) + likelihoods(others, words, link)
    return "\n\n".join([HEAD.format(page=page), *blocks]) + "\n"
